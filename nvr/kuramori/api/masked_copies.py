"""Masked copies over HTTP (H9): made as a job, looked through and confirmed by another person, then taken.

Thin: reads and checks shapes, asks the desk, shows the result. Must not know rules, keys or media.
"""

from dataclasses import dataclass
from typing import Annotated, Self

from fastapi import APIRouter, Path
from fastapi.responses import Response
from pydantic import Field

from kuramori.api.bundles import BundleView
from kuramori.api.context import TheDesk
from kuramori.api.identity import MaskingWitness, Opener, RequestReader
from kuramori.api.requests import Body, Digest, Id, Line, Names, Uid
from kuramori.desk.granted import SEGMENTS_MOST
from kuramori.desk.masked_copy_note import COPIES_MOST
from kuramori.desk.maskings import MaskedCopy
from kuramori.masking.masking_job import SeenFace
from kuramori.masking.strip_sheets import SHEETS_MOST
from kuramori.wire import WireBytes

SHEET_MEDIA_TYPE = "image/jpeg"

Number = Annotated[int, Path(ge=1, le=COPIES_MOST)]
Sheet = Annotated[int, Path(ge=1, le=SHEETS_MOST)]

router = APIRouter(prefix="/v1/requests", tags=["masked copies"])


class MaskBody(Body):
    """Keys and presence as for a bundle, and the boxes file (kuramori/masking/MASKING.md), base64."""

    deks: Annotated[dict[Uid, WireBytes], Field(max_length=SEGMENTS_MOST, repr=False)]
    boxes: WireBytes
    present: Names = ()
    look_for_faces: bool = False


class ConfirmationBody(Body):
    """What another person says of the copy whose strips they looked through. A no needs its reason."""

    confirmed: bool
    file_sha256: Digest
    strips_sha256: Digest
    reason: Line = ""


@dataclass(frozen=True, slots=True)
class MadeCopyView:
    """What waits: `file_sha256` and `strips_sha256` are what a confirmation names. `sheets` are counted from 1."""

    file_sha256: str
    size_bytes: int
    strips_sha256: str
    sheets: int
    width: int
    height: int
    pictures: int
    undecodable: int
    first_utc_ms: int
    last_utc_ms: int
    seconds_between: int
    faces_looked_for: bool
    faces: tuple[SeenFace, ...]


@dataclass(frozen=True, slots=True)
class MaskedCopyView:
    """A masked copy: making, waiting, confirmed, released, rejected or gone. `job` is the address of its progress."""

    request_id: str
    number: int
    opening: int
    camera: str
    state: str
    drawn_by: str
    begun_utc_ms: int
    boxes_sha256: str
    judged_by: str
    judged_utc_ms: int
    reason: str
    job: str
    made: MadeCopyView | None

    @classmethod
    def of(cls, copy: MaskedCopy) -> Self:
        """Return the view of a copy."""
        note, made = copy.note, copy.made
        return cls(
            request_id=copy.request_id,
            number=note.number,
            opening=note.opening,
            camera=note.camera,
            state=copy.state.value,
            drawn_by=note.drawn_by,
            begun_utc_ms=note.begun_utc_ms,
            boxes_sha256=note.boxes_sha256.hex(),
            judged_by=note.judged_by,
            judged_utc_ms=note.judged_utc_ms,
            reason=note.reason,
            job=f"/v1/jobs/{copy.job_id}" if copy.job_id else "",
            made=None
            if made is None
            else MadeCopyView(
                file_sha256=made.video_sha256.hex(),
                size_bytes=made.video_bytes,
                strips_sha256=made.sheets_sha256.hex(),
                sheets=len(made.sheet_bytes),
                width=made.width,
                height=made.height,
                pictures=made.pictures,
                undecodable=made.undecodable,
                first_utc_ms=made.first_utc_ms,
                last_utc_ms=made.last_utc_ms,
                seconds_between=made.seconds_between,
                faces_looked_for=made.faces_looked_for,
                faces=made.faces,
            ),
        )


@dataclass(frozen=True, slots=True)
class MaskedCopyList:
    """Those of a request, the first first."""

    masked_copies: tuple[MaskedCopyView, ...]


@router.post("/{request_id}/masked-copies", status_code=202)
async def begin(request_id: Id, body: MaskBody, desk: TheDesk, caller: Opener) -> MaskedCopyView:
    """Give the next number and begin to make that masked copy. Registered before any key is released."""
    deks = {bytes.fromhex(uid): dek for uid, dek in body.deks.items()}
    begun = await desk.maskings.begin(
        request_id, deks, bytes(body.boxes), body.present, caller.actor, look_for_faces=body.look_for_faces
    )
    return MaskedCopyView.of(begun)


@router.get("/{request_id}/masked-copies")
async def listing(request_id: Id, desk: TheDesk, caller: RequestReader) -> MaskedCopyList:
    """Return the masked copies of a request."""
    return MaskedCopyList(tuple(MaskedCopyView.of(copy) for copy in desk.maskings.all_of(request_id)))


@router.get("/{request_id}/masked-copies/{number}")
async def one(request_id: Id, number: Number, desk: TheDesk, caller: RequestReader) -> MaskedCopyView:
    """Return one masked copy."""
    return MaskedCopyView.of(desk.maskings.one(request_id, number))


@router.get("/{request_id}/masked-copies/{number}/sheets/{sheet}", response_class=Response, response_model=None)
async def sheet(request_id: Id, number: Number, sheet: Sheet, desk: TheDesk, caller: MaskingWitness) -> Response:
    """Return a sheet of the strips of a copy that waits (JPEG), never cached: masked pictures of a granted request."""
    content = desk.maskings.sheet(request_id, number, sheet)
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return Response(content, media_type=SHEET_MEDIA_TYPE, headers=headers)


@router.post("/{request_id}/masked-copies/{number}/confirmation", status_code=201)
async def confirm(
    request_id: Id, number: Number, body: ConfirmationBody, desk: TheDesk, caller: MaskingWitness
) -> MaskedCopyView:
    """Confirm a copy whose strips were looked through, or reject it: by another person than who had it made."""
    file, strips = bytes.fromhex(body.file_sha256), bytes.fromhex(body.strips_sha256)
    if body.confirmed:
        return MaskedCopyView.of(await desk.maskings.confirm(request_id, number, file, strips, caller.actor))
    return MaskedCopyView.of(await desk.maskings.reject(request_id, number, file, strips, body.reason, caller.actor))


@router.post("/{request_id}/masked-copies/{number}/release", status_code=201)
async def release(request_id: Id, number: Number, desk: TheDesk, caller: Opener) -> BundleView:
    """Release a confirmed copy: its bundle waits, to be taken and reported like any other."""
    return BundleView.of((await desk.maskings.release(request_id, number, caller.actor)).facts)
