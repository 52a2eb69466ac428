"""A real mail server on the loopback that keeps what it takes: TLS, STARTTLS, sign-in, and refusals when told to."""

import asyncio
import email
import ssl
import warnings
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any, Self, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword

from tests.fakes.certificates import make_certificate

USER = "kuramori"
PASSWORD = "correct horse 42"
PATIENCE_SECONDS = 60.0


@dataclass(slots=True)
class MailServer:
    """Runs between enter and exit. `port` 0: a free one, kept over `stop` and `start`."""

    folder: Path
    security: str = "tls"  # tls, starttls, none; "stripped": announces no STARTTLS
    port: int = 0
    sign_in: bool = True
    mechanisms_left_out: tuple[str, ...] = ()  # of signing in
    refuse_data: str = ""  # the answer to every message, such as "554 no"
    refuse_recipient: str = ""
    messages: list[EmailMessage] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    arrived: asyncio.Condition = field(default_factory=asyncio.Condition)
    certificate: Path = Path()
    _tls: ssl.SSLContext | None = None
    _server: asyncio.Server | None = None
    _conversations: list[SMTP] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._tls, _, self.certificate = make_certificate(self.folder, f"mail-{id(self)}")

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        tls = self._tls if self.security == "tls" else None
        self._server = await loop.create_server(self._protocol, "127.0.0.1", self.port, ssl=tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for conversation in self._conversations:
            if conversation.transport is not None:
                conversation.transport.abort()
        self._conversations.clear()
        await asyncio.sleep(0)

    def toml(self, **more: object) -> str:
        """Return the [mail] table that leads here."""
        security = "starttls" if self.security == "stripped" else self.security
        lines = [
            "[mail]",
            'host = "localhost"',
            f"port = {self.port}",
            f'security = "{security}"',
            f'ca_file = "{self.certificate}"',
            'sender = "kuramori@city.example"',
            'recipients = ["office@city.example", "night@city.example"]',
        ]
        if self.sign_in:
            lines += [f'username = "{USER}"', 'password = "mail"']
        lines += [f"{key} = {value}" for key, value in more.items()]
        return "\n" + "\n".join(lines) + "\n"

    def secret(self, folder: Path) -> None:
        """Put the account's password where it is looked for."""
        folder.mkdir(mode=0o700, exist_ok=True)
        path = folder / "mail"
        path.touch(mode=0o600)
        path.write_text(PASSWORD)

    async def until(self, wanted: str, seconds: float = PATIENCE_SECONDS) -> EmailMessage:
        """Wait for a message whose subject holds these words."""

        def found() -> EmailMessage | None:
            return next((one for one in self.messages if wanted in str(one["Subject"])), None)

        try:
            async with asyncio.timeout(seconds), self.arrived:
                await self.arrived.wait_for(lambda: found() is not None)
        except TimeoutError:
            subjects = [str(one["Subject"]) for one in self.messages]
            raise AssertionError(f"no mail says {wanted!r}: {subjects}") from None
        message = found()
        assert message is not None
        return message

    def _protocol(self) -> SMTP:
        starttls = self.security == "starttls"
        with warnings.catch_warnings():  # its warning is meant for servers without TLS; TLS may be below it here
            warnings.simplefilter("ignore", UserWarning)
            found = SMTP(
                self,
                hostname="mail.city.example",
                tls_context=self._tls if starttls else None,
                require_starttls=starttls,
                authenticator=self._authenticate if self.sign_in else None,
                auth_required=self.sign_in,
                auth_require_tls=starttls,
                auth_exclude_mechanism=self.mechanisms_left_out,
                loop=asyncio.get_running_loop(),
            )
        self._conversations.append(found)
        return found

    def _authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        good = isinstance(data, LoginPassword) and data.login == USER.encode() and data.password == PASSWORD.encode()
        return AuthResult(success=good, handled=False)

    async def handle_RCPT(self, server: Any, session: Any, envelope: Envelope, address: str, options: Any) -> str:  # noqa: N802
        if address == self.refuse_recipient:
            return "550 nobody here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:  # noqa: N802
        if self.refuse_data:
            return self.refuse_data
        content = cast(bytes, envelope.content)
        self.raw.append(content)
        self.messages.append(cast(EmailMessage, email.message_from_bytes(content, policy=default)))
        async with self.arrived:
            self.arrived.notify_all()
        return "250 taken"


def text_of(message: EmailMessage) -> str:
    """Return what a reader sees."""
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")
