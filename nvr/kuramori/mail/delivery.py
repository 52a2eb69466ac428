"""Handing one mail to the mail server: the only module that speaks SMTP (RFC 5321, 8314, 3207).

The server's certificate is always checked; where STARTTLS is configured and not offered, nothing is said. What a server
answers is foreign: it is shortened, made printable, and never holds the password. This module must not know what mails
say, nor keep any.
"""

import asyncio
import base64
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage

import aiosmtplib

from kuramori.site_state import one_line
from kuramori_config.faults import SecretRefused
from kuramori_config.mail_table import Mail, MailSecurity
from kuramori_config.secrets import Secret

STEP_SECONDS = 20.0  # for each question to the server
WHOLE_SECONDS = 60.0
DETAIL_CHARACTERS_MOST = 200

ReadPassword = Callable[[str], Secret]


class DeliveryFault(Exception):
    """The mail was not taken. `refused`: this mail will not be taken later either."""

    def __init__(self, detail: str, *, refused: bool = False) -> None:
        super().__init__(detail)
        self.detail = detail
        self.refused = refused


@dataclass(frozen=True, slots=True)
class Delivered:
    """The server has it. `refused`: the recipients it does not take mail for, with its answer."""

    answer: str
    protection: str  # such as "TLSv1.3", or "unencrypted"
    refused: tuple[str, ...] = ()


async def deliver(mail: Mail, read_password: ReadPassword, message: EmailMessage) -> Delivered:
    """Hand the message over. Raises DeliveryFault."""
    try:
        secret = read_password(mail.password) if mail.password is not None else None
        client = _client(mail, secret)
    except (SecretRefused, OSError) as error:
        raise DeliveryFault(one_line(str(error), DETAIL_CHARACTERS_MOST)) from None
    try:
        async with asyncio.timeout(WHOLE_SECONDS), client:
            protection = _protection(client)
            refused, answer = await client.sendmail(mail.sender, list(mail.recipients), message.as_bytes())
    except aiosmtplib.SMTPRecipientsRefused as error:
        details = "; ".join(f"{one.recipient}: {one.code} {one.message}" for one in error.recipients)
        permanent = all(one.code >= 500 for one in error.recipients)
        raise DeliveryFault(_clean(details, secret), refused=permanent) from None
    except (aiosmtplib.SMTPSenderRefused, aiosmtplib.SMTPDataError) as error:
        detail = f"{error.code} {error.message}"
        raise DeliveryFault(_clean(detail, secret), refused=error.code >= 500) from None
    except TimeoutError:
        raise DeliveryFault("the mail server did not answer in time") from None
    except (aiosmtplib.SMTPException, OSError, ValueError) as error:
        raise DeliveryFault(_clean(_why(error), secret)) from None
    return Delivered(
        _clean(answer, secret),
        protection,
        tuple(_clean(f"{name}: {one.code} {one.message}", secret) for name, one in refused.items()),
    )


def _client(mail: Mail, secret: Secret | None) -> aiosmtplib.SMTP:
    context = ssl.create_default_context(cafile=str(mail.ca_file) if mail.ca_file is not None else None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return aiosmtplib.SMTP(
        hostname=mail.host,
        port=mail.used_port,
        use_tls=mail.security is MailSecurity.TLS,
        start_tls=mail.security is MailSecurity.STARTTLS,
        tls_context=context if mail.security is not MailSecurity.NONE else None,
        username=mail.username,
        password=secret.reveal() if secret is not None else None,
        local_hostname=mail.sender.rpartition("@")[2],
        timeout=STEP_SECONDS,
    )


def _protection(client: aiosmtplib.SMTP) -> str:
    found = client.get_transport_info("ssl_object")
    return str(found.version()) if isinstance(found, ssl.SSLObject) else "unencrypted"


def _why(error: BaseException) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"the mail server's certificate is not trusted: {cause.verify_message}"
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return f"{error.code} {error.message}"
    return str(error) or type(error).__name__


def _clean(detail: str, secret: Secret | None) -> str:
    """Return a foreign text without the password, in case a server repeats what it was told."""
    if secret is not None:
        plain = secret.reveal()
        for form in (plain, base64.b64encode(plain.encode()).decode()):
            detail = detail.replace(form, "(not shown)")
    return one_line(detail, DETAIL_CHARACTERS_MOST)
