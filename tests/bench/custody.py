"""What handing on costs each person: the old custodian's machine, the desk, and a new custodian at an opening.

Real keys, real seals, one core. The whole ring of 65,536 segments is worked through page by page, as files travel.
"""

import json
import os
import tempfile
import time
from pathlib import Path

from kuramori.desk.custody_store import CustodyStore, Kept
from kuramori.desk.hand_on_work import PAGE_SEGMENTS, HandedPage, WorkHead, WorkPage, WorkRow, plan_of, seal_page
from kuramori.wire import from_plain, to_plain
from kuramori_segments.custodian_set import CustodianSet
from kuramori_segments.custody import Share, ShareBinding, combine, open_share, seal_dek
from kuramori_segments.hand_on import HandOnBinding, check_contribution, hand_on, take_over
from kuramori_segments.set_change import SetChain, SetChange, with_signatures
from tests.fakes.key_holders import CREATED_UTC_MS, custodian, custodian_set, keys_of, recovery

SEGMENTS = 65_536
OPENED = 512  # of them, opened by new custodians
LIMIT_SECONDS = 600
RECORDER_ID = bytes(range(16))


def measure(segments: int = SEGMENTS) -> str:
    """Return the table of times for handing a whole ring from 2 of 3 on to 3 of 5."""
    old = custodian_set(2, 3)
    new = CustodianSet.of(3, [custodian(f"custodian {number}").card for number in range(2, 7)], recovery().card)
    change = SetChange(RECORDER_ID, 1, old.set_id, new, (), "manager", "bench", CREATED_UTC_MS)
    signed = with_signatures(SetChain(old), change, [change.sign(key) for key in keys_of(old)])
    chain = SetChain(old).followed_by(signed)
    seconds: dict[str, float] = {"custodian": 0.0, "desk": 0.0, "file": 0}
    with tempfile.TemporaryDirectory(prefix="kuramori-bench-") as folder:
        store = CustodyStore.open(Path(folder) / "custody.db")
        for start in range(0, segments, PAGE_SEGMENTS):
            _page(chain, start, min(PAGE_SEGMENTS, segments - start), store, seconds)
        store.close()
    opening = _opening(chain, old, new)
    return _table(segments, seconds, opening)


def _binding(number: int, custodians: CustodianSet) -> ShareBinding:
    uid = number.to_bytes(16, "big")
    return ShareBinding(
        RECORDER_ID, 1, b"\x11" * 16, number, CREATED_UTC_MS, custodians.set_id, custodians.k, custodians.n, uid
    )


def _page(chain: SetChain, start: int, count: int, store: CustodyStore, seconds: dict[str, float]) -> None:
    old, mine = chain.first, keys_of(chain.first)[0]
    number = old.share_number(mine.custodian_id) or 0
    rows, bindings = [], {}
    for sequence in range(start, start + count):
        binding = _binding(sequence, old)
        sealed = seal_dek(os.urandom(32), old, binding).shares[number - 1].sealed
        bindings[binding.segment_uid] = binding
        rows.append(
            WorkRow(
                *(binding.segment_uid, 1, binding.epoch_id, sequence, CREATED_UTC_MS),
                *(old.set_id, old.k, old.n, old.set_id, sealed),
            )
        )
    head = WorkHead(RECORDER_ID, "bench", mine.custodian_id, chain.current.set_id, chain.to_bytes())
    line = json.dumps(to_plain(WorkPage(tuple(rows))))
    plan = plan_of(head)
    began = time.process_time()
    handed = json.dumps(to_plain(seal_page(plan, from_plain(WorkPage, json.loads(line)), mine)))
    seconds["custodian"] += time.process_time() - began
    seconds["file"] += len(handed)
    began = time.process_time()
    page = from_plain(HandedPage, json.loads(handed))
    kept = []
    for row in page.rows:
        check_contribution(row.contribution, HandOnBinding.to(chain.current, bindings[row.segment_uid]), mine.card)
        kept.append(Kept(row.segment_uid, page.to_set_id, row.from_set_id, row.contribution))
    store.keep(kept)
    seconds["desk"] += time.process_time() - began


def _opening(chain: SetChain, old: CustodianSet, new: CustodianSet) -> float:
    """Return the seconds for one new custodian to take over OPENED shares."""
    pieces, deks = [], []
    for sequence in range(OPENED):
        binding, dek = _binding(sequence, old), os.urandom(32)
        sealed = seal_dek(dek, old, binding)
        made = [
            hand_on(open_share(sealed.shares, key.custodian_id, key.opening_private, binding), new, binding, key)
            for key in keys_of(old)[:2]
        ]
        pieces.append((HandOnBinding.to(new, binding), made))
        deks.append(dek)
    shares: dict[int, list[Share]] = {}
    spent = 0.0
    for place, key in enumerate(keys_of(new)[:3], start=1):
        began = time.process_time()
        shares[place] = [
            take_over({one.number: one.piece(place) for one in made}, binding, place, key.opening_private)
            for binding, made in pieces
        ]
        spent = time.process_time() - began
    for number, dek in enumerate(deks):
        if combine([shares[place][number] for place in shares], new.k) != dek:
            raise SystemExit("handing on gave another key")
    return spent


def _table(segments: int, seconds: dict[str, float], opening: float) -> str:
    ring = f"{segments:,} segments, 2 of 3 to 3 of 5"
    steps = (
        ("an old custodian's machine: read, open, split, seal, sign, write", ring, seconds["custodian"], segments),
        ("the desk: read, check signatures, keep durably", ring, seconds["desk"], segments),
        ("a new custodian at an opening: add up what was handed on", f"{OPENED} segments", opening, OPENED),
    )
    lines = ["| step, one core | for | seconds | each |", "|---|---|---|---|"]
    lines += [f"| {what} | {of} | {took:.1f} | {took / count * 1e3:.2f} ms |" for what, of, took, count in steps]
    lines += ["", f"Limit for the first: {LIMIT_SECONDS} s. File brought back: {seconds['file'] / 2**20:.0f} MiB."]
    return "\n".join(lines)


if __name__ == "__main__":
    print(measure(int(os.environ.get("KURAMORI_BENCH_SEGMENTS", str(SEGMENTS)))))
