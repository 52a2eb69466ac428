"""Attacks on the live desk: no failure of its own, nothing of its inside, nothing that its document does not know."""

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kuramori.api.patience import BodyInTime, PatientProtocol
from tests.fakes.desk_room import DEPUTY, HANDLER, INSTALLER, MANAGER
from tests.fakes.desk_steps import content
from tests.fakes.siege import EVERYBODY, Attempts, Siege, besieged
from tests.fakes.signed_in_steps import approved, handed_deks

SOME_PATHS = frozenset({"/v1/holds"})


@pytest.fixture
async def siege(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Siege]:
    """A desk over TLS with everybody signed in, and little patience."""
    monkeypatch.setattr(PatientProtocol, "head_seconds", 1.0)
    monkeypatch.setattr(PatientProtocol, "take_seconds", 1.0)
    monkeypatch.setattr(BodyInTime, "body_seconds", 1.0)
    async with besieged(tmp_path) as made:
        yield made


def withstood(attempts: Attempts) -> None:
    """Assert that nothing went wrong, and that something was tried."""
    assert attempts.wrong == []
    assert attempts.count


async def test_some_operations_by_their_schemas(siege: Siege) -> None:
    """A few cases each, as a manager."""
    withstood(await siege.schemas(2, (MANAGER,), paths=SOME_PATHS))


async def test_some_injections_and_huge_bodies(siege: Siege) -> None:
    """A few of each."""
    withstood(await siege.injections(8))
    withstood(await siege.huge())


async def test_a_few_slow_callers_and_a_few_at_once(siege: Siege) -> None:
    """Somebody honest is served meanwhile, and the recorder answers."""
    withstood(await siege.slow(4))
    withstood(await siege.parallel(12, 2))


async def test_a_cut_download_is_taken_up_where_it_broke_off(siege: Siege) -> None:
    """Over TLS, cut at any place again and again: the parts are the whole, and one opening is registered."""
    staff = siege.staff
    number = await approved(staff)
    confirmed = await staff.as_person("POST", f"/v1/requests/{number}/presence", DEPUTY, {"act": "release"})
    assert confirmed.status_code < 300, confirmed.text
    opening = {"deks": await handed_deks(staff, number)}
    opened = content(await staff.as_person("POST", f"/v1/requests/{number}/opening", HANDLER, opening), 201)
    chance, taken, tag, cuts = random.Random(7), b"", "", 0
    while len(taken) < opened["size_bytes"]:
        head = f"GET /v1/requests/{number}/bundle HTTP/1.1\r\nHost: desk\r\nConnection: close\r\n"
        head += f"Authorization: Bearer {staff.tokens[HANDLER]}\r\nRange: bytes={len(taken)}-\r\n"
        head += f"If-Range: {tag}\r\n\r\n" if tag else "\r\n"
        reader, writer = await asyncio.open_connection("127.0.0.1", siege.port, ssl=siege.tls)
        writer.write(head.encode())
        answer = (await reader.readuntil(b"\r\n\r\n")).decode()
        assert " 206 " in answer.splitlines()[0]
        tag = next(line for line in answer.splitlines() if line.lower().startswith("etag:")).partition(": ")[2]
        wanted, got = chance.randrange(1, 90_000), b""
        while len(got) < wanted and (piece := await reader.read(wanted - len(got))):
            got += piece
        taken += got
        cuts += 1
        writer.transport.abort()
    assert cuts > 2
    assert taken == siege.room.workers.streams[0].archive
    assert len(siege.room.workers.jobs) == 1


@pytest.mark.slow
@pytest.mark.timeout(1800)
async def test_every_operation_by_its_schema_as_everybody(siege: Siege) -> None:
    """Positive and negative cases, every role, a machine's caller and nobody."""
    withstood(await siege.schemas(4, EVERYBODY))


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_every_injection(siege: Siege) -> None:
    """Every address and header."""
    withstood(await siege.injections())


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_two_hundred_at_once_and_sixty_slow_ones(siege: Siege) -> None:
    """All are answered; the recorder answers meanwhile."""
    withstood(await siege.parallel(200, 5))
    withstood(await siege.slow(60))
    assert INSTALLER in siege.staff.tokens
