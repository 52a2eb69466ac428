"""For any minute of a camera: kept, held, or destroyed when and by which rule, with signatures that anybody checks."""

import json
from collections.abc import AsyncIterator
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori.cli.erasure_view import proof_lines
from kuramori.erasure_answers import ErasureAnswers
from kuramori.erasure_check import ProofRefused, certificate_key, check_proof
from kuramori.erasure_messages import ErasureProof, ErasureProofRequest
from kuramori.places import Places
from kuramori.wire import to_plain
from kuramori_segments.erasure_proof import Fate, Proven, prove
from kuramori_segments.gap_reason import GapReason
from kuramori_segments.time_ranges import joined, within, without
from tests.fakes.house import FRAME_MS, FRAMES_PER_SLOT, START_UTC_MS, House, running_house
from tests.nvr.test_forgetting import hold, leave_the_hour, order

HOUR_MS = 3_600_000
SLOT_MS = FRAMES_PER_SLOT * FRAME_MS


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with running_house(tmp_path) as made:
        yield made


def record(house: House, frames: int) -> None:
    """Record, and tell the ledger as the tick does."""
    number, begin = house.recorder.numbers["gate"], house.clock.utc_ms()
    house.record("gate", frames)
    house.vault.ledger.open_run(number, begin, 0)
    house.vault.ledger.close_run(number, house.clock.utc_ms(), frames, GapReason.CAMERA_OFFLINE, "")


def proof_of(house: House, from_utc_ms: int, to_utc_ms: int, camera: str = "gate") -> ErasureProof:
    answers = ErasureAnswers(house.recorder, house.forgetting)
    number = house.recorder.numbers[camera]
    return answers.prove(number, ErasureProofRequest(camera, from_utc_ms, to_utc_ms))


def fates(proof: ErasureProof) -> list[Fate]:
    return [span.fate for span in proof.spans]


def fate_at(proof: ErasureProof, utc_ms: int) -> Proven:
    return next(span for span in proof.spans if span.from_utc_ms <= utc_ms < span.to_utc_ms)


async def test_what_is_kept_says_until_when(house: House) -> None:
    """Four hours of retention: at the latest then."""
    record(house, 5)
    found = fate_at(proof_of(house, START_UTC_MS, START_UTC_MS + 40_000), START_UTC_MS)
    assert (found.fate, found.until_utc_ms) == (Fate.KEPT, START_UTC_MS + 4 * HOUR_MS)


async def test_what_died_on_time_says_when_and_by_which_rule(house: House) -> None:
    """And its receipt is among the signed ones."""
    record(house, 5)
    house.clock.pass_ms(4 * HOUR_MS)
    await house.forgetting.catch_up()
    proof = proof_of(house, START_UTC_MS, START_UTC_MS + 40_000)
    found = fate_at(proof, START_UTC_MS)
    (receipt,) = house.vault.ledger.erasures()
    assert (found.fate, found.rule, found.tier) == (Fate.DESTROYED, "retention", "E0")
    assert (found.erased_utc_ms, found.receipt) == (receipt.erased_utc_ms, receipt.erasure_number)
    assert [one.number for one in proof.receipts] == [receipt.erasure_number]


async def test_an_order_takes_whole_segments_and_says_so(house: House) -> None:
    """A minute amid the second of three segments: it is destroyed, and its neighbours are kept."""
    record(house, 3 * FRAMES_PER_SLOT)
    await leave_the_hour(house, "gate")
    number = house.recorder.cameras["gate"].recording.camera_number
    begin = START_UTC_MS + SLOT_MS + 60_000
    receipt = await house.forgetting.erase(order("gate", begin, begin + 60_000), number)
    assert receipt is not None
    ((really_from, really_to),) = within(receipt.erased[0].destroyed(), START_UTC_MS, START_UTC_MS + 3 * SLOT_MS)
    assert really_from <= begin
    assert begin + 60_000 <= really_to
    assert really_to - really_from <= SLOT_MS + 2 * FRAME_MS
    proof = proof_of(house, START_UTC_MS, START_UTC_MS + 3 * SLOT_MS - 2 * FRAME_MS)
    assert fate_at(proof, begin).rule == "request"
    assert fate_at(proof, START_UTC_MS + 1).fate is Fate.KEPT
    assert fate_at(proof, START_UTC_MS + 2 * SLOT_MS + 60_000).fate is Fate.KEPT
    lines = list(proof_lines(to_plain(proof), UTC))
    assert any("destroyed" in line and "by order" in line for line in lines)


async def test_held_minutes_are_held_until_the_end_and_then_destroyed_by_it(house: House) -> None:
    """Beyond their hour's death; then the end of the hold is the rule."""
    record(house, 2 * FRAMES_PER_SLOT)
    number = house.recorder.cameras["gate"].recording.camera_number
    until = START_UTC_MS + 10 * HOUR_MS
    asked = hold("gate", START_UTC_MS, START_UTC_MS + 60_000, until)
    await house.forgetting.place_hold(asked, [number])
    house.clock.pass_ms(4 * HOUR_MS)
    await house.forgetting.catch_up()
    proof = proof_of(house, START_UTC_MS, START_UTC_MS + 2 * SLOT_MS - 2 * FRAME_MS)
    assert fate_at(proof, START_UTC_MS + 1000).fate is Fate.HELD
    assert fate_at(proof, START_UTC_MS + 1000).until_utc_ms == until + HOUR_MS
    assert fate_at(proof, START_UTC_MS + SLOT_MS + 60_000).rule == "retention"
    await house.forgetting.lift_hold(asked.hold_id, "Sato Hanako", "handed over")
    found = fate_at(proof_of(house, START_UTC_MS, START_UTC_MS + 60_000), START_UTC_MS + 1000)
    assert (found.fate, found.rule) == (Fate.DESTROYED, "hold_ended")


async def test_a_proof_has_no_hole(house: House) -> None:
    """From the first to the last moment asked for, each has exactly one fate."""
    record(house, 5)
    proof = proof_of(house, START_UTC_MS - HOUR_MS, START_UTC_MS + HOUR_MS)
    assert {Fate.NEVER_RECORDED, Fate.KEPT} <= set(fates(proof))
    assert proof.spans[0].from_utc_ms == proof.from_utc_ms
    assert proof.spans[-1].to_utc_ms == proof.to_utc_ms
    for before, after in zip(proof.spans, proof.spans[1:], strict=False):
        assert before.to_utc_ms == after.from_utc_ms


@pytest.mark.parametrize(("gap_from", "fate"), [(132, Fate.NEVER_RECORDED), (9_000, Fate.NOT_KNOWN)])
def test_the_last_picture_before_a_gap_shows_a_moment_and_no_longer(gap_from: int, fate: Fate) -> None:
    """A run ends when its last picture was shown; what lies further from any picture is not known."""
    gone, gap = Proven(Fate.DESTROYED, 0, 100), Proven(Fate.NEVER_RECORDED, gap_from, 20_000)
    found = prove(0, 20_000, ((gone,), (gap,)))
    assert next(one.fate for one in found if one.from_utc_ms == 100) is fate


# ---- a proof on paper --------------------------------------------------------------------------------------


async def written_proof(house: House) -> tuple[dict[str, Any], Any]:
    record(house, 5)
    house.clock.pass_ms(4 * HOUR_MS)
    await house.forgetting.catch_up()
    proof = to_plain(proof_of(house, START_UTC_MS, START_UTC_MS + 40_000))
    return proof, certificate_key(Places.of(house.recorder.configuration).device_certificate)


async def test_a_proof_is_checked_with_the_certificate_alone(house: House) -> None:
    """One receipt; its signature is the device key's."""
    proof, key = await written_proof(house)
    assert check_proof(json.dumps(proof).encode(), key) == 1


@pytest.mark.parametrize(
    "forge",
    [
        lambda proof: proof["spans"][0].update(to_utc_ms=proof["spans"][0]["to_utc_ms"] + 9 * HOUR_MS),
        lambda proof: proof["spans"][0].update(tier="E2"),
        lambda proof: proof["spans"][0].update(erased_utc_ms=1),
        lambda proof: proof["spans"][0].update(receipt=7),
        lambda proof: proof["receipts"][0].update(document=proof["receipts"][0]["document"].replace("E0", "E2")),
        lambda proof: proof["receipts"][0].update(signature="A" * 86 + "=="),
        lambda proof: proof.update(recorder_id="AAAA"),
        lambda proof: proof.pop("receipts"),
    ],
)
async def test_a_forged_proof_is_refused(house: House, forge: Any) -> None:
    """Wider, stronger, earlier, another receipt, another signature: none is believed."""
    proof, key = await written_proof(house)
    forge(proof)
    with pytest.raises(ProofRefused):
        check_proof(json.dumps(proof).encode(), key)


# ---- the arithmetic ----------------------------------------------------------------------------------------

RANGES = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=8)


@given(RANGES, RANGES, st.integers(0, 60))
def test_what_is_taken_away_is_gone_and_nothing_else(some: Any, taken: Any, moment: int) -> None:
    """Moment by moment, against the plain meaning."""
    left = without(joined(some), joined(taken))
    inside = any(begin <= moment < end for begin, end in some)
    away = any(begin <= moment < end for begin, end in taken)
    assert any(begin <= moment < end for begin, end in left) == (inside and not away)


@given(st.lists(RANGES, max_size=4), st.integers(0, 59))
def test_later_layers_lie_over_earlier_ones(layers: Any, moment: int) -> None:
    """Whatever is laid, in any order: the last layer that speaks of a moment decides, and there is no hole."""
    numbered = [
        [Proven(Fate.DESTROYED, begin, end, receipt=number + 1) for begin, end in layer if begin < end]
        for number, layer in enumerate(layers)
    ]
    spans = prove(0, 60, numbered)
    assert [span.to_utc_ms for span in spans[:-1]] == [span.from_utc_ms for span in spans[1:]]
    found = next(span for span in spans if span.from_utc_ms <= moment < span.to_utc_ms)
    speaking = [one.receipt for layer in numbered for one in layer if one.from_utc_ms <= moment < one.to_utc_ms]
    assert found.receipt == (speaking[-1] if speaking else 0)
