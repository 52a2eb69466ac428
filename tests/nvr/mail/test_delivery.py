"""One mail, to a real mail server: only over what is configured, only to whom can prove who they are."""

from pathlib import Path

import pytest

from kuramori.mail.delivery import Delivered, DeliveryFault, deliver
from kuramori.mail.letter import message_of
from kuramori.mail.outbox import WaitingMail
from kuramori_config.mail_table import Mail
from kuramori_config.secrets import Secret
from tests.fakes.mail_server import PASSWORD, USER, MailServer, text_of

SENT = 1_790_000_000_000
OURS = {"From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version"}
HEADERS = OURS | {"Content-Type", "Content-Transfer-Encoding", "X-Peer", "X-MailFrom", "X-RcptTo"}


def mail_for(server: MailServer, **changes: object) -> Mail:
    table: dict[str, object] = {
        "host": "localhost",
        "port": server.port,
        "security": "starttls" if server.security == "stripped" else server.security,
        "ca_file": str(server.certificate),
        "sender": "kuramori@city.example",
        "recipients": ("office@city.example", "night@city.example"),
    }
    if server.sign_in:
        table |= {"username": USER, "password": "mail"}
    return Mail.model_validate({**table, **changes})


async def send(mail: Mail, *, password: str = PASSWORD, subject: str = "GREEN", body: str = "well\n") -> Delivered:
    waiting = WaitingMail("<1@city.example>", SENT, subject, body)
    return await deliver(mail, lambda _name: Secret(password), message_of(waiting, mail.sender, mail.recipients))


@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_a_mail_arrives_encrypted_and_signed_in(tmp_path: Path, security: str) -> None:
    """In both languages, with a date, an id, and no request for holiday answers."""
    async with MailServer(tmp_path, security) as server:
        done = await send(mail_for(server), subject="【緑・正常】北小学校 / GREEN", body="録画中\nrecorded\n")
    (message,) = server.messages
    assert done.protection.startswith("TLSv1.")
    assert done.refused == ()
    assert str(message["Subject"]) == "【緑・正常】北小学校 / GREEN"
    assert text_of(message) == "録画中\nrecorded\n"
    assert message["Message-ID"] == "<1@city.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert server.raw[0].isascii()


async def test_a_server_that_offers_no_starttls_hears_nothing(tmp_path: Path) -> None:
    """Somebody on the way who takes the offer out gets neither password nor mail."""
    async with MailServer(tmp_path, "stripped") as server:
        with pytest.raises(DeliveryFault, match="STARTTLS") as caught:
            await send(mail_for(server))
    assert not caught.value.refused
    assert server.messages == []


@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path, security: str) -> None:
    """Without the authority's file nothing is handed over, and the reason is said."""
    async with MailServer(tmp_path, security) as server:
        with pytest.raises(DeliveryFault, match="certificate is not trusted"):
            await send(mail_for(server, ca_file=None))
    assert server.messages == []


async def test_a_certificate_for_another_name_is_refused(tmp_path: Path) -> None:
    """The certificate is localhost's, the address is not."""
    async with MailServer(tmp_path) as server:
        with pytest.raises(DeliveryFault, match="certificate is not trusted"):
            await send(mail_for(server, host="127.0.0.1"))


async def test_a_wrong_password_is_told_without_the_password(tmp_path: Path) -> None:
    """What the operator reads holds the server's code, and nothing secret."""
    async with MailServer(tmp_path) as server:
        with pytest.raises(DeliveryFault) as caught:
            await send(mail_for(server), password="a wrong one")
    assert "535" in caught.value.detail
    assert "a wrong one" not in caught.value.detail
    assert not caught.value.refused


async def test_a_server_that_is_down_is_told(tmp_path: Path) -> None:
    """Nobody listens any more."""
    async with MailServer(tmp_path) as server:
        mail = mail_for(server)
    with pytest.raises(DeliveryFault) as caught:
        await send(mail)
    assert caught.value.detail
    assert not caught.value.refused


async def test_a_mail_that_is_refused_for_good_says_so(tmp_path: Path) -> None:
    """5xx on the message: it need not be tried for ever; 4xx: it must."""
    async with MailServer(tmp_path, refuse_data="554 5.7.1 no\x1b[31m thanks") as server:
        with pytest.raises(DeliveryFault, match="554") as caught:
            await send(mail_for(server))
        assert caught.value.refused
        assert caught.value.detail.isprintable()
        server.refuse_data = "451 later"
        with pytest.raises(DeliveryFault, match="451") as caught:
            await send(mail_for(server))
        assert not caught.value.refused


async def test_one_recipient_that_is_refused_does_not_cost_the_other(tmp_path: Path) -> None:
    """The rest get it, and who did not is said."""
    async with MailServer(tmp_path, refuse_recipient="night@city.example") as server:
        done = await send(mail_for(server))
    assert len(server.messages) == 1
    assert len(done.refused) == 1
    assert "night@city.example" in done.refused[0]


@pytest.mark.parametrize(
    "text", ["x\r\nBcc: thief@evil.example\r\n\r\nbody", "x\nBcc: a@b.c", "a\x00b\u2028c\x85d", "\ud800"]
)
async def test_no_foreign_text_becomes_a_header(tmp_path: Path, text: str) -> None:
    """Whatever a name or a sentence holds, the message has the headers that it should, and the body stays one."""
    async with MailServer(tmp_path) as server:
        await send(mail_for(server), subject=text, body=text)
    (message,) = server.messages
    assert "Bcc" not in message
    assert set(message.keys()) <= HEADERS
    assert str(message["Subject"]).isprintable()
