"""April with the real service: custodians change while it records, and only the new ones open what was before."""

import asyncio
import json
import re
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

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


async def change_custodians(place: Office, old: tuple[CustodianKey, ...], new: list[CustodianKey]) -> None:
    """Propose three of five without the first; two in office sign on their own machines; no restart is needed."""
    before, joins = await sets_in_use(place), list[object]()
    for key in new:
        card = place.folder / f"{key.card.name.replace(' ', '-')}.card"
        card.write_bytes(key.card.to_bytes())
        joins += ["--join", card]
    change, told = place.folder / "change.json", ""
    propose = ["custody", "change", "propose", "--as", MANAGER, "--reason", "April", "--out", change, *joins]
    await place.good(*propose, "--leave", old[0].card.name, "--threshold", 3)
    for number, key in enumerate(old[:2]):
        signed = place.folder / f"signed{number}.json"
        shown = await alone("custody", "change", "sign", change, "--out", signed, "--yes", *with_key(place, key))
        assert new[0].card.fingerprint in shown
        told = await place.good("custody", "change", "import", signed)
    assert "In effect" in told
    assert await sets_in_use(place) != before


async def hand_on(place: Office, givers: tuple[CustodianKey, ...]) -> None:
    """Let old custodians hand on, each with a file on the own machine; the same file again changes nothing."""
    for number, key in enumerate(givers):
        work, handed = place.folder / f"work{number}.jsonl", place.folder / f"handed{number}.jsonl"
        export = ["custody", "hand-on", "export", "--as", MANAGER, "--custodian", key.card.name, "--out", work]
        assert "0 segments" not in await place.good(*export)
        await alone("custody", "hand-on", "seal", work, "--out", handed, "--yes", *with_key(place, key))
        await place.good("custody", "hand-on", "import", handed)
        again = await place.good("custody", "hand-on", "import", handed, "--json")
        assert json.loads(again)["new"] == 0


async def granted(place: Office, begin: float, end: float, extraction: Path) -> str:
    """File a request for old pictures and have it granted; return its number."""
    filed = await place.request(begin, end, extraction)
    found = re.search(r"\d{8}-\d+", filed.output)
    assert found is not None, filed.output
    await place.good("decide", found[0], "--as", MANAGER, "--grant", "--reason", "in order")
    return found[0]


async def take(place: Office, number: str, extraction: Path, out: Path) -> None:
    """Take a clip with pictures in it."""
    await place.good("clip", number, "--as", HANDLER, "--extraction-key", extraction, "--out", out)
    assert (out / "clip.mp4").stat().st_size > 10_000


async def drill(place: Office, key: CustodianKey) -> None:
    """Let one custodian answer a drill."""
    drills, answer = place.folder / "drills", place.folder / "answer.json"
    await place.good("custody", "drill", "begin", "--as", MANAGER, "--out", drills)
    (challenge,) = drills.glob(f"drill-{key.custodian_id.hex()[:8]}-*.json")
    await alone("custody", "drill", "answer", challenge, "--out", answer, *with_key(place, key))
    assert "has shown the key" in await place.good("custody", "drill", "import", answer)
    shown = json.loads(await place.good("custody", "show", "--as", MANAGER, "--json"))
    assert [one["last_drill_utc_ms"] is not None for one in shown["in_use"]["custodians"]].count(True) == 1


async def break_glass(place: Office, number: str) -> None:
    """Open a granted request with two sheets; the status is loud from then on."""
    assert place.installation.custodians is not None
    words = place.folder / "words"
    words.write_text("\n".join(place.installation.custodians.recovery.words[:2]))
    card = place.installation.custodians.recovery_card
    glass = ["recovery", "open", number, "--as", MANAGER, "--witness", HANDLER, "--card", card]
    glass += ["--reason", "fire", "--words-from", words]
    assert "Opened by the recovery key" in await place.good(*glass, "--yes")
    status = await place.run("status", "--json")
    assert status.exit_code == 1
    assert json.loads(status.output)["custody"]["recovery_used"]


async def by_sheets(place: Office, number: str, card: Path, words: Path) -> Result:
    """Open a granted request with the sheets of a card."""
    glass = ["recovery", "open", number, "--as", MANAGER, "--witness", HANDLER, "--card", card]
    return await place.run(*glass, "--reason", "fire", "--words-from", words, "--yes")


@pytest.mark.slow
async def test_a_replaced_recovery_key_opens_and_the_old_sheets_do_not(office: Office) -> None:
    """Broken out, made anew, proposed, signed by two, handed on: the new sheets open; the old ones are refused."""
    assert office.installation.custodians is not None
    keys, begin = office.installation.custodians.keys, time.time()
    await asyncio.sleep(4)
    end = time.time() - 1
    number = await granted(office, begin, end, office.folder / "first.key")
    await break_glass(office, number)
    old_card, old_words = office.installation.custodians.recovery_card, office.folder / "words"
    words, out = office.folder / "new words", office.folder / "new card"
    await alone("recovery", "new", "--out", out, "--words-file", words, "--typed-back-from", words)
    (card,) = out.iterdir()
    change = office.folder / "replace.json"
    await office.good("recovery", "replace", "--card", card, "--as", MANAGER, "--reason", "used", "--out", change)
    for place, key in enumerate(keys[:2]):
        signed = office.folder / f"replaced{place}.json"
        await alone("custody", "change", "sign", change, "--out", signed, "--yes", *with_key(office, key))
        told = await office.good("custody", "change", "import", signed)
    assert "In effect" in told
    await hand_on(office, keys[:2])
    await office.good("custody", "release", "--as", MANAGER)
    assert not json.loads((await office.run("status", "--json")).output)["custody"]["recovery_used"]
    extraction = office.folder / "second.key"
    number = await granted(office, begin, end, extraction)
    refused = await by_sheets(office, number, old_card, old_words)
    assert refused.exit_code == 1
    assert len(refused.stderr.strip().splitlines()) == 1
    mixed = await by_sheets(office, number, card, old_words)
    assert mixed.exit_code == 1
    two = office.folder / "two sheets"
    two.write_text("\n".join(words.read_text().splitlines()[:2]))
    opened = await by_sheets(office, number, card, two)
    assert opened.exit_code == 0, opened.output
    await take(office, number, extraction, office.folder / "third")
    assert "none changed or removed" in await office.good("register", "--as", MANAGER, "--verify")


async def test_two_of_three_become_three_of_five_and_the_new_ones_open_what_was_recorded_before(office: Office) -> None:
    """Propose, sign, release, hand on, open by newcomers alone; a drill; and the sheets open what no custodian did."""
    assert office.installation.custodians is not None
    old, begin = office.installation.custodians.keys, time.time()
    await asyncio.sleep(4)
    end, now_ms = time.time() - 1, int(time.time() * 1000)
    new = [new_custodian_key(f"Newcomer {number}", "Office", now_ms, now_ms + YEAR_MS) for number in (1, 2, 3)]
    await change_custodians(office, old, new)
    assert "Custodian 1" in await office.good("custody", "release", "--as", MANAGER), (
        "two of three stay: nothing is lost"
    )
    await hand_on(office, old[1:])
    extraction = office.folder / "extraction.key"
    number = await granted(office, begin, end, extraction)
    for key in new:
        await office.good("approve", number, "--yes", *with_key(office, key))
    await take(office, number, extraction, office.folder / "bundle")
    await drill(office, new[0])
    other = office.folder / "other.key"
    number = await granted(office, begin, end, other)
    await break_glass(office, number)
    await take(office, number, other, office.folder / "second")
    assert "none changed or removed" in await office.good("register", "--as", MANAGER, "--verify")
