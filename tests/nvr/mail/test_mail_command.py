"""`kuramori mail test` sends a trial mail and says what happened."""

import asyncio
from pathlib import Path

from tests.end_to_end.commands import Typed, typed
from tests.fakes.configuration import configuration_text
from tests.fakes.mail_server import PASSWORD, MailServer


async def trial(tmp_path: Path, server: MailServer, *, japanese: bool = False) -> Typed:
    config = tmp_path / "kuramori.toml"
    config.write_text(configuration_text(server.toml()))
    return await asyncio.to_thread(typed, "mail", "test", "--config", config, japanese=japanese)


async def test_a_trial_mail_arrives_and_its_way_is_told(tmp_path: Path) -> None:
    """Server, protection, recipients."""
    async with MailServer(tmp_path) as server:
        server.secret(tmp_path / "secrets")
        done = await trial(tmp_path, server)
    assert done.code == 0, done
    assert "Taken for 2 of 2 recipients, protection TLSv1." in done.out
    assert str(server.messages[0]["Subject"]) == "TRIAL: Test site: mail from Kuramori"


async def test_what_went_wrong_is_one_sentence(tmp_path: Path) -> None:
    """A missing secret, then a wrong one; in Japanese too."""
    async with MailServer(tmp_path) as server:
        done = await trial(tmp_path, server)
        assert "mail" in done.refusal()
        server.secret(tmp_path / "secrets")
        (tmp_path / "secrets" / "mail").write_text("not it")
        done = await trial(tmp_path, server, japanese=True)
    said = done.refusal()
    assert said.startswith("送信できませんでした")
    assert "535" in said
    assert PASSWORD not in said


async def test_without_a_mail_table_that_is_said(tmp_path: Path) -> None:
    """Nothing is sent anywhere."""
    config = tmp_path / "kuramori.toml"
    config.write_text(configuration_text())
    done = await asyncio.to_thread(typed, "mail", "test", "--config", config)
    assert "[mail]" in done.refusal()
