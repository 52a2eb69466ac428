"""April with the real service: custodians change while it records, and only the new ones open what was before."""

import asyncio
import json
import re
import time
from pathlib import Path

from typer.testing import CliRunner

from kuramori.cli import main
from kuramori_segments.custodian_key import LEAST_COST, CustodianKey, new_custodian_key, seal_key_file
from tests.end_to_end.test_request_path import HANDLER, MANAGER, PASSPHRASE, Office, office

__all__ = ["office"]
YEAR_MS = 365 * 86_400_000


def key_file(place: Office, key: CustodianKey) -> Path:
    """Write a custodian's key file, once."""
    path = place.folder / f"{key.card.name.replace(' ', '-')}.key"
    if not path.exists():
        path.write_bytes(seal_key_file(key, PASSPHRASE, LEAST_COST))
    return path


def with_key(place: Office, key: CustodianKey) -> list[object]:
    """Return the options that open a custodian's key file."""
    secret = place.folder / "passphrase"
    if not secret.exists():
        secret.touch(mode=0o600)
        secret.write_text(PASSPHRASE)
    return ["--key", key_file(place, key), "--passphrase-file", secret]


async def alone(*words: object) -> str:
    """Run a command that speaks to nobody, as on a custodian's own machine."""
    result = await asyncio.to_thread(CliRunner().invoke, main.build(), [str(word) for word in words])
    assert result.exit_code == 0, result.output
    return str(result.output)


async def sets_in_use(place: Office) -> str:
    """Return the id of the set that the recorder seals to."""
    return str(json.loads(await place.good("status", "--json"))["recorder"]["custodian_set_id"])


async def test_two_of_three_become_three_of_five_and_the_new_ones_open_what_was_recorded_before(office: Office) -> None:
    """Propose, sign, hand on, release: recorded without a gap, opened without anybody of the old two who handed on."""
    assert office.installation.custodians is not None
    old = office.installation.custodians.keys
    begin = time.time()
    await asyncio.sleep(4)
    end, before = time.time() - 1, await sets_in_use(office)
    now_ms = int(time.time() * 1000)
    new = [new_custodian_key(f"Newcomer {number}", "Office", now_ms, now_ms + YEAR_MS) for number in (1, 2, 3)]
    joins: list[object] = []
    for key in new:
        card = office.folder / f"{key.card.name.replace(' ', '-')}.card"
        card.write_bytes(key.card.to_bytes())
        joins += ["--join", card]

    # the change: proposed, signed by two on their own machines, in effect without a restart
    change = office.folder / "change.json"
    propose = ["custody", "change", "propose", "--as", MANAGER, "--reason", "April", "--out", change, *joins]
    await office.good(*propose, "--leave", old[0].card.name, "--threshold", 3)
    for number, key in enumerate(old[:2]):
        signed = office.folder / f"signed{number}.json"
        shown = await alone("custody", "change", "sign", change, "--out", signed, "--yes", *with_key(office, key))
        assert new[0].card.fingerprint in shown
        told = await office.good("custody", "change", "import", signed)
    assert "In effect" in told
    assert await sets_in_use(office) != before

    # the hand-on: two of the old ones, each with a file on the own machine
    early = await office.run("custody", "release", "--as", MANAGER)
    assert early.exit_code == 0, "two of three stay, so nothing would be lost"
    for number, key in enumerate(old[1:]):
        work, handed = office.folder / f"work{number}.jsonl", office.folder / f"handed{number}.jsonl"
        export = ["custody", "hand-on", "export", "--as", MANAGER, "--custodian", key.card.name, "--out", work]
        assert "0 segments" not in await office.good(*export)
        await alone("custody", "hand-on", "seal", work, "--out", handed, "--yes", *with_key(office, key))
        await office.good("custody", "hand-on", "import", handed)
        again = await office.good("custody", "hand-on", "import", handed, "--json")
        assert json.loads(again)["new"] == 0

    # an old picture, opened by newcomers only
    extraction, out = office.folder / "extraction.key", office.folder / "bundle"
    filed = await office.request(begin, end, extraction)
    assert filed.exit_code == 0, filed.output
    found = re.search(r"\d{8}-\d+", filed.output)
    assert found is not None
    await office.good("decide", found[0], "--as", MANAGER, "--grant", "--reason", "in order")
    for key in new:
        await office.good("approve", found[0], "--yes", *with_key(office, key))
    await office.good("clip", found[0], "--as", HANDLER, "--extraction-key", extraction, "--out", out)
    assert (out / "clip.mp4").stat().st_size > 10_000

    # the drill
    drills = office.folder / "drills"
    await office.good("custody", "drill", "begin", "--as", MANAGER, "--out", drills)
    short = new[0].custodian_id.hex()[:8]
    (challenge,) = drills.glob(f"drill-{short}-*.json")
    answer = office.folder / "answer.json"
    await alone("custody", "drill", "answer", challenge, "--out", answer, *with_key(office, new[0]))
    assert "has shown the key" in await office.good("custody", "drill", "import", answer)
    shown = json.loads(await office.good("custody", "show", "--as", MANAGER, "--json"))
    assert [one["last_drill_utc_ms"] is not None for one in shown["in_use"]["custodians"]].count(True) == 1
    assert "none changed or removed" in await office.good("register", "--as", MANAGER, "--verify")

    # break-glass: the sheets open a granted request, loudly, until the key is replaced
    filed = await office.request(begin, end, office.folder / "other.key")
    found = re.search(r"\d{8}-\d+", filed.output)
    assert found is not None
    await office.good("decide", found[0], "--as", MANAGER, "--grant", "--reason", "in order")
    words = office.folder / "words"
    words.write_text("\n".join(office.installation.custodians.recovery.words[:2]))
    card = office.installation.custodians.recovery_card
    glass = ["recovery", "open", found[0], "--as", MANAGER, "--card", card, "--reason", "fire", "--words-from", words]
    assert "Opened by the recovery key" in await office.good(*glass, "--yes")
    take = ["clip", found[0], "--as", HANDLER, "--extraction-key", office.folder / "other.key"]
    await office.good(*take, "--out", office.folder / "second")
    status = await office.run("status", "--json")
    assert status.exit_code == 1
    assert json.loads(status.output)["custody"]["recovery_used"]
