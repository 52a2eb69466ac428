"""The register over HTTP: entries for those who may read them, checkpoints and proofs for everybody.

Checkpoints and proofs name nobody; that a custodian's client may always ask for them is what keeps the register
honest. Must not know what entries mean.
"""

import asyncio
from typing import Annotated

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fastapi import APIRouter, Query

from kuramori.api import body_keeping, register_papers
from kuramori.api.context import TheDesk
from kuramori.api.identity import Anybody, RegisterReader
from kuramori.api.paging import ThePage, make_cursor, read_cursor
from kuramori.api.views import CheckpointView, EntryView, ProofView, RegisterView
from kuramori.desk.call_fault import CursorInvalid
from kuramori.desk.fault import RegisterAway
from kuramori.desk.register import RegisterDamaged

LISTING = "register"
ENTRIES_MOST = 1 << 62  # of a register: its numbers fit into eight bytes

router = APIRouter(prefix="/v1/register", tags=["register"])
router.include_router(register_papers.router)
router.include_router(body_keeping.router)

Size = Annotated[int, Query(ge=0, lt=ENTRIES_MOST)]


@router.get("")
async def entries(desk: TheDesk, caller: RegisterReader, asked: ThePage, start: Size = 0) -> RegisterView:
    """Return entries, oldest first: from `start` on, or behind the page before."""
    register = desk.journal.register
    size, note = register.head
    if asked.cursor:
        start = entry_behind(asked.cursor)
    count = min(asked.limit, max(0, size - start))
    try:
        records = await asyncio.to_thread(register.records, start, count)
    except RegisterDamaged as damage:
        raise RegisterAway(str(damage)) from damage
    shown, behind = tuple(EntryView.of(record) for record in records), start + count
    following = make_cursor(LISTING, (behind,)) if behind < size else None
    return RegisterView(size, shown, note, register.verifier.encode(), following)


def entry_behind(cursor: str) -> int:
    """Return the first entry of the page that a cursor stands for. Raises CursorInvalid."""
    match read_cursor(LISTING, cursor):
        case (int(start),) if 0 <= start < ENTRIES_MOST:
            return start
    raise CursorInvalid


@router.get("/checkpoint")
async def checkpoint(desk: TheDesk, caller: Anybody) -> CheckpointView:
    """Return the newest checkpoint, and the keys that a client remembers at its first visit."""
    register = desk.journal.register
    key = desk.device_public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return CheckpointView(
        register.checkpoint, register.verifier.encode(), desk.site.recorder_id.hex(), desk.site.name, key
    )


@router.get("/consistency")
async def consistency(desk: TheDesk, old: Size, caller: Anybody, size: Size | None = None) -> ProofView:
    """Return the proof that the register of `old` entries is a beginning of that of `size` (the present one)."""
    register = desk.journal.register
    present, note = register.head
    size = present if size is None else size
    return ProofView(size, tuple(register.consistency_proof(old, size)), note)


@router.get("/inclusion")
async def inclusion(desk: TheDesk, index: Size, caller: Anybody) -> ProofView:
    """Return the proof that an entry stands in the present register."""
    register = desk.journal.register
    size, note = register.head
    return ProofView(size, tuple(register.inclusion_proof(index, size)), note)
