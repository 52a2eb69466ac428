"""The steps of a request as people take them, over the API of a `DeskRoom`; each returns what the desk answered."""

import base64
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from kuramori.api.package_view import PackageView
from kuramori.desk.approval import Approval, read_approval
from kuramori.desk.granted import read_granted
from kuramori.desk.package import Package, Review, approve, review
from kuramori.desk.signed_note import NoteVerifier, open_checkpoint
from kuramori.wire import from_plain
from kuramori_segments.custodian_key import CustodianKey
from kuramori_segments.custody import ExtractionBinding, combine, open_resealed
from tests.fakes.desk_room import HANDLER, MANAGER, DeskRoom, to_plain_bytes
from tests.fakes.key_holders import keys_of

EXTRACTION = X25519PrivateKey.from_private_bytes(b"\x05" * 32)


def content(answer: httpx.Response, status: int = 200) -> Any:
    """Return the JSON of an answer that must have this status."""
    assert answer.status_code == status, answer.text
    return answer.json()


def raw(text: str) -> bytes:
    """Return the bytes of base64."""
    return base64.b64decode(text, validate=True)


async def filed(room: DeskRoom, **changes: Any) -> str:
    """File a request; return its number."""
    number: str = content(await room.call("POST", "/v1/requests", HANDLER, room.request_body(**changes)), 201)[
        "request_id"
    ]
    return number


async def granted(room: DeskRoom, **changes: Any) -> str:
    """File a request and have it granted; return its number."""
    number = await filed(room, **changes)
    body = {"outcome": "granted", "reason": "要件を満たす"}
    content(await room.call("POST", f"/v1/requests/{number}/decision", MANAGER, body))
    return number


async def fetched_package(room: DeskRoom, number: str, key: CustodianKey) -> Package:
    """Ask for a custodian's package."""
    found = content(await room.call("GET", f"/v1/requests/{number}/package", custodian=key.custodian_id.hex()))
    return from_plain(PackageView, found).package()


async def judged(room: DeskRoom, package: Package, key: CustodianKey) -> tuple[Approval, bytes]:
    """Review a package as a custodian's client does, and approve it."""
    return approve(await reviewed_as(room, package), key, room.clock.utc_ms())


async def reviewed_package(room: DeskRoom, found: Any) -> Review:
    """Review a package as it came over the wire."""
    return await reviewed_as(room, from_plain(PackageView, found).package())


async def reviewed_as(room: DeskRoom, package: Package) -> Review:
    """Review a package against what the desk shows of itself."""
    facts = content(await room.call("GET", "/v1/register/checkpoint"))
    device_key = load_der_public_key(raw(facts["device_key"]))
    assert isinstance(device_key, ec.EllipticCurvePublicKey)
    checkpoint = open_checkpoint(package.checkpoint, NoteVerifier.parse(facts["verifier"]))
    return review(package, device_key=device_key, checkpoint=checkpoint, camera_names={})


def approval_body(approval: Approval, signature: bytes) -> dict[str, str]:
    """Return the body that hands an approval in."""
    return {"approval": to_plain_bytes(approval.to_bytes()), "signature": to_plain_bytes(signature)}


async def approve_as(room: DeskRoom, number: str, key: CustodianKey) -> httpx.Response:
    """Approve a request as a custodian does; return the desk's answer."""
    approval, signature = await judged(room, await fetched_package(room, number, key), key)
    return await room.call("POST", f"/v1/requests/{number}/approvals", body=approval_body(approval, signature))


async def approved(room: DeskRoom, **changes: Any) -> str:
    """File a request, have it granted and approved by enough custodians; return its number."""
    number = await granted(room, **changes)
    for key in keys_of(room.custodians)[: room.custodians.k]:
        content(await approve_as(room, number, key), 201)
    return number


async def handed_deks(room: DeskRoom, number: str, person: str = HANDLER) -> dict[str, str]:
    """Fetch the re-sealed shares, open and combine them as the handler's client does."""
    found = content(await room.call("GET", f"/v1/requests/{number}/shares", person))
    request = read_granted(raw(found["granted"]))
    approvals = [read_approval(raw(text)) for text in found["approvals"]]
    deks = {}
    for segment in request.segments:
        binding = ExtractionBinding(request.digest, segment.segment_uid)
        shares = [
            open_resealed(share.sealed, EXTRACTION.private_bytes_raw(), binding, approval.custodian_id)
            for approval in approvals
            for share in approval.shares
            if share.segment_uid == segment.segment_uid
        ]
        deks[segment.segment_uid.hex()] = to_plain_bytes(combine(shares, segment.threshold))
    return deks


async def open_bundle(room: DeskRoom, number: str, deks: dict[str, str], person: str = HANDLER) -> httpx.Response:
    """Hand the keys in; return the desk's answer, the archive in it."""
    return await room.call("POST", f"/v1/requests/{number}/bundle", person, {"deks": deks})


async def kinds(room: DeskRoom) -> list[str]:
    """Return the kinds of all entries of the register, in order."""
    return [entry["kind"] for entry in content(await room.call("GET", "/v1/register", MANAGER))["entries"]]
