"""The table [mail]: the mail server, who gets the liveness mail and the mail on a red state, and how much of it.

The recorder has it in its own file; `kuramori watch` on another machine has it beside its [watch]. This file must not
send anything.
"""

import ipaddress
import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated

from pydantic import PlainValidator

from kuramori_config.base_table import Table
from kuramori_config.faults import Problem, Unfit, Wording
from kuramori_config.option import PATH, number_shape, option
from kuramori_config.values import SECRET_NAME, Count, Location, Number, SecretName

RECIPIENTS_MOST = 20
ADDRESS_CHARACTERS_MOST = 254  # RFC 5321, section 4.5.3.1.3, less the brackets
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_USER = re.compile(r"[!-~]{1,200}")
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")

MAIL_ADDRESS = Wording("a mail address such as kuramori@city.example", "メールアドレス（例: kuramori@city.example）")
HOST = Wording("a host name or an IP address", "ホスト名またはIPアドレス")
USER = Wording("an account name of at most 200 printable ASCII characters", "アカウント名（ASCII文字、200字以内）")
TIME_OF_DAY = Wording('a time of day such as "08:30"', "時刻（例: 08:30）")
PORT = Wording("a port from 1 to 65535", "1～65535のポート番号")


class MailSecurity(StrEnum):
    """How the way to the mail server is protected."""

    TLS = "tls"
    STARTTLS = "starttls"
    NONE = "none"

    @property
    def usual_port(self) -> int:
        """Return the port where this is offered (RFC 8314, RFC 6409; 25 for a server on this machine)."""
        return {MailSecurity.TLS: 465, MailSecurity.STARTTLS: 587, MailSecurity.NONE: 25}[self]


class MailLanguage(StrEnum):
    """In which language mails are written."""

    JAPANESE = "ja"
    ENGLISH = "en"
    BOTH = "both"


def _address(value: object) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if len(text) > ADDRESS_CHARACTERS_MOST or not _ADDRESS.fullmatch(text) or ".." in text:
        raise Unfit(MAIL_ADDRESS)
    return text


def _host(value: object) -> str:
    text = value.strip() if isinstance(value, str) else ""
    try:
        return str(ipaddress.ip_address(text.removeprefix("[").removesuffix("]")))
    except ValueError:
        if _HOST.fullmatch(text) and ".." not in text:
            return text
    raise Unfit(HOST)


def _user(value: object) -> str:
    if not isinstance(value, str) or not _USER.fullmatch(value):
        raise Unfit(USER)
    return value


def _time_of_day(value: object) -> str:
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        raise Unfit(TIME_OF_DAY)
    return value


MailAddress = Annotated[str, PlainValidator(_address)]
MailHost = Annotated[str, PlainValidator(_host)]
MailUser = Annotated[str, PlainValidator(_user)]
TimeOfDay = Annotated[str, PlainValidator(_time_of_day)]


class Mail(Table):
    """How the office learns by mail that all is well, or that something is not (O1)."""

    host: MailHost = option("The mail server that takes the mails.", shape=HOST, example='"mail.city.example"')
    port: Count | None = option(
        "Its port; without it 465 for tls, 587 for starttls, 25 for none.",
        shape=PORT,
        example="465",
        default=None,
        ge=1,
        le=65535,
    )
    security: MailSecurity = option(
        "tls: encrypted from the first byte. starttls: encrypted before anything is said, or nothing is sent. none: "
        "only to a server on this machine (localhost). The server's certificate is always checked.",
        shape=Wording('"tls", "starttls" or "none"', '"tls"、"starttls"、"none" のいずれか'),
        example='"tls"',
        default=MailSecurity.TLS,
    )
    ca_file: Location | None = option(
        "PEM file of the authority that signed the server's certificate, where it is not one that the machine knows.",
        shape=PATH,
        example='"/etc/kuramori/mail-ca.pem"',
        default=None,
    )
    username: MailUser | None = option(
        "The account on the mail server; without it nobody signs in.", shape=USER, example='"kuramori"', default=None
    )
    password: SecretName | None = option(
        "The name of the secret that holds the account's password; the password itself never stands in this file.",
        shape=SECRET_NAME,
        example='"mail"',
        default=None,
    )
    sender: MailAddress = option("Who the mails come from.", shape=MAIL_ADDRESS, example='"kuramori@city.example"')
    recipients: tuple[MailAddress, ...] = option(
        "Who gets them; at most 20.",
        shape=Wording("a list of 1 to 20 mail addresses", "1～20件のメールアドレスの一覧"),
        example='["crime-prevention@city.example"]',
        min_length=1,
        max_length=RECIPIENTS_MOST,
    )
    language: MailLanguage = option(
        "In which language: ja, en, or both (Japanese first).",
        shape=Wording('"ja", "en" or "both"', '"ja"、"en"、"both" のいずれか'),
        example='"ja"',
        default=MailLanguage.BOTH,
    )
    daily_at: TimeOfDay = option(
        "When the liveness mail is sent, every day, in the site's time zone. A day without it is an alarm in itself.",
        shape=TIME_OF_DAY,
        example='"08:30"',
        default="08:30",
    )
    red_after_seconds: Number = option(
        "How long something has to be wrong, or well again, before a mail says so. A recorder that does not answer is "
        "told after 10 seconds at the latest.",
        shape=number_shape(1, 3600, "seconds", "秒"),
        example="30",
        default=30.0,
        ge=1,
        le=3600,
    )
    most_mails_per_hour: Count = option(
        "At most so many mails on changes in one hour; what changes meanwhile is told together in the next. The daily "
        "mail comes in any case.",
        shape=number_shape(1, 60, "mails", "通"),
        example="6",
        default=6,
        ge=1,
        le=60,
    )

    @property
    def used_port(self) -> int:
        """Return the port, also where none is named."""
        return self.port if self.port is not None else self.security.usual_port


def mail_problems(mail: Mail) -> Iterator[Problem]:
    """Yield what does not fit together."""
    nothing = Wording("nothing", "記載なし")
    if mail.password is not None and mail.username is None:
        yield Problem(
            "mail.username", nothing, Wording("the account that the password belongs to", "対応するアカウント")
        )
    if mail.username is not None and mail.password is None:
        expected = Wording("the name of the secret with the account's password", "パスワードを収めた秘密情報の名前")
        yield Problem("mail.password", nothing, expected)
    if mail.security is MailSecurity.NONE and not _is_this_machine(mail.host):
        expected = Wording(
            '"tls" or "starttls" (unencrypted mail goes to this machine only)',
            '"tls" または "starttls"（暗号化なしは本機内のサーバーに限る）',
        )
        yield Problem("mail.security", Wording('"none"', '"none"'), expected)


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
