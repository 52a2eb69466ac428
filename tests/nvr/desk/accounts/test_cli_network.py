"""The command line on another machine: --url and KURAMORI_URL over TLS 1.3, with the desk known by one certificate."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from kuramori.api.tls import ensure_own, server_context
from kuramori.cli import main, present
from kuramori.cli.client import CommandFailure
from kuramori.cli.desk_address import parse_url
from kuramori_segments.custodian_key import LEAST_COST, seal_key_file
from tests.fakes.desk_network import Network, desk_network
from tests.fakes.desk_room import DEPUTY, HANDLER, MANAGER, RECORDER_ID, to_plain_bytes
from tests.fakes.desk_steps import content
from tests.fakes.key_holders import PASSPHRASE, keys_of
from tests.fakes.signed_in_steps import approved, entries, granted, handed_deks
from tests.fakes.staff import PASSWORD


@pytest.fixture
async def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Network]:
    """A desk that other machines reach; nothing of this machine's desk is configured."""
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setenv("KURAMORI_SESSION", str(tmp_path / "mine" / "session.json"))
    for name in ("KURAMORI_CONFIG", "KURAMORI_DESK_SOCKET", "KURAMORI_URL"):
        monkeypatch.delenv(name, raising=False)
    async with desk_network(tmp_path) as made:
        yield made


async def run(network: Network, *words: str, typed: str = "") -> Result:
    """Run a command against the desk's address."""
    arguments = ["--url", network.url, *words]
    return await asyncio.to_thread(
        CliRunner().invoke, main.build(), arguments, input=typed, env={"KURAMORI_PERSON": ""}
    )


async def signed_in(network: Network, person: str) -> None:
    """Sign a person in on this machine."""
    folder = network.staff.room.folder
    for name, text in (("password", PASSWORD), ("code", network.staff.code(person))):
        (folder / name).write_text(text + "\n")
        (folder / name).chmod(0o600)
    words = ["--password-file", str(folder / "password"), "--code-file", str(folder / "code")]
    result = await run(network, "sign-in", "--as", person, *words)
    assert result.exit_code == 0, result.output


@pytest.mark.slow
async def test_a_custodian_signs_in_and_approves_from_another_machine(network: Network) -> None:
    """At the first visit the fingerprint is shown; from then on the certificate is known and nothing is asked."""
    staff, folder = network.staff, network.staff.room.folder
    await staff.all_signed_in(MANAGER)
    number = await granted(staff)
    refused = await run(network, "requests")
    assert refused.exit_code == 1
    assert "First visit" in refused.stderr
    assert "kuramori sign-in" in refused.stderr
    await signed_in(network, MANAGER)
    key = keys_of(staff.room.custodians)[0]
    (folder / "key.json").write_bytes(seal_key_file(key, PASSPHRASE, LEAST_COST))
    (folder / "words").write_text(PASSPHRASE + "\n")
    (folder / "words").chmod(0o600)
    book = ["--notebook", str(folder / "book.json"), "--passphrase-file", str(folder / "words")]
    done = await run(network, "approve", number, "--key", str(folder / "key.json"), *book, "--yes")
    assert done.exit_code == 0, done.output
    assert "First visit" not in done.stderr
    approval = [one for one in await entries(staff, number) if one["kind"] == "approved"]
    assert approval[0]["person"] == key.card.name
    assert "127.0.0.1" in approval[0]["body"]["identified_by"]


@pytest.mark.slow
async def test_being_present_is_confirmed_from_another_machine(network: Network) -> None:
    """The second person's own sign-in, over the network; the handler then takes the bundle."""
    staff = network.staff
    await staff.all_signed_in(MANAGER)
    number = await approved(staff)
    await signed_in(network, DEPUTY)
    done = await run(network, "present", number, "--for", "release")
    assert done.exit_code == 0, done.output
    body = {"deks": await handed_deks(staff, number)}
    assert (await staff.as_person("POST", f"/v1/requests/{number}/bundle", HANDLER, body)).status_code == 200
    (entry,) = [one for one in await entries(staff, number) if one["kind"] == "presence_confirmed"]
    assert (entry["person"], entry["body"]["identified_by"]) == (DEPUTY, "signed in, 127.0.0.1")


@pytest.mark.slow
async def test_the_second_person_types_at_the_handlers_desk(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    """`kuramori clip --witness` asks for password and code where nobody has confirmed, and goes on."""
    staff = network.staff
    await staff.all_signed_in(MANAGER)
    number = await approved(staff)
    await signed_in(network, HANDLER)
    secrets = iter([PASSWORD, staff.code(DEPUTY)])
    monkeypatch.setattr("kuramori.cli.sign_in.typed", lambda _file, _prompt: next(secrets))
    key, out = staff.room.folder / "letter.key", staff.room.folder / "usb"
    document = {"kuramori": "extraction key", "version": 1, "private": to_plain_bytes(b"\x05" * 32)}
    key.write_text(json.dumps(document))
    key.chmod(0o600)
    monkeypatch.setattr(present, "sys", _Terminal)
    done = await run(network, "clip", number, "--extraction-key", str(key), "--out", str(out), "--witness", DEPUTY)
    assert done.exit_code == 0, done.output
    assert (out / "manifest.json").exists()


class _Terminal:
    """Stands for a terminal, which the runner is not."""

    class stdin:  # noqa: N801 - as sys names it
        """Somebody types."""

        @staticmethod
        def isatty() -> bool:
            """Yes."""
            return True


async def test_another_certificate_is_refused_until_it_is_given(network: Network) -> None:
    """Nothing is sent, the sentence says what to do; with the right file it goes on, with a wrong one it does not."""
    staff, folder = network.staff, network.staff.room.folder
    await staff.found(MANAGER)
    await signed_in(network, MANAGER)
    await network.close()
    network.places.api_certificate.rename(folder / "old.pem")
    network.places.api_key.unlink()
    await network.open()
    for _ in range(2):
        refused = await run(network, "user", "list")
        assert refused.exit_code == 1
        assert "another certificate" in refused.stderr
        assert "--certificate FILE" in refused.stderr
    wrong = await run(network, "--certificate", str(folder / "old.pem"), "user", "list")
    assert wrong.exit_code == 1
    assert "another certificate" in wrong.stderr
    given = await run(network, "--certificate", str(network.places.api_certificate), "user", "list")
    assert given.exit_code == 0, given.output
    assert (await run(network, "user", "list")).exit_code == 0


async def test_who_stands_between_gets_no_token(network: Network) -> None:
    """Another server on the port, with a certificate signed by nobody known: it never sees a request."""
    staff, folder = network.staff, network.staff.room.folder
    await staff.found(MANAGER)
    await signed_in(network, MANAGER)
    await network.close()
    seen: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.read(1))
        writer.close()

    (folder / "other").mkdir()
    certificate, key = folder / "other" / "c.pem", folder / "other" / "k.pem"
    ensure_own(certificate, key, "Kita school route", RECORDER_ID, "127.0.0.1", staff.room.clock.utc_ms())
    between = await asyncio.start_server(listen, "127.0.0.1", network.tls_port, ssl=server_context(certificate, key))
    async with between:
        assert (await run(network, "user", "list")).exit_code == 1
    assert b"".join(seen) == b""


@pytest.mark.slow
async def test_tokens_are_made_and_revoked(network: Network) -> None:
    """Shown once, good for its scope over the network, void at once."""
    staff = network.staff
    await staff.found(MANAGER)
    await signed_in(network, MANAGER)
    made = await run(network, "user", "token", "make", "monitoring", "--scope", "health", "--days", "300")
    assert made.exit_code == 0, made.output
    token = made.stdout.split()[-1]
    assert (await network.ask("/v1/status", token)).status_code == 200
    listed = await run(network, "user", "tokens")
    assert "monitoring" in listed.output
    assert token not in listed.output
    wrong = await run(network, "user", "token", "revoke", "../x")
    assert wrong.exit_code == 1
    revoked = await run(network, "user", "token", "revoke", listed.output.splitlines()[-1].split("\t")[0])
    assert revoked.exit_code == 0, revoked.output
    assert content(await network.ask("/v1/status", token), 401)["code"] == "sign-in-missing"


@pytest.mark.parametrize(
    "text", ["desk", "http://192.0.2.1:80", "ftp://x", "https://", "https://a:b@c", "https://x/y", "https://x:99999"]
)
def test_what_is_no_address_of_a_desk(text: str) -> None:
    """Refused in a sentence, plain http beyond this machine too."""
    with pytest.raises(CommandFailure):
        parse_url(text)


def test_addresses_have_one_form() -> None:
    """However it is written, a sign-in is kept under the same name."""
    assert parse_url("https://Recorder.Example/").text == "https://recorder.example:443"
    assert parse_url("https://[2001:db8::1]:8443").text == "https://[2001:db8::1]:8443"
    assert parse_url("http://127.0.0.1:8000").text == "http://127.0.0.1:8000"
