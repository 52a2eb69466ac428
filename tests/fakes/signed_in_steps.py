"""The steps of a request at a desk where people sign in; each returns what the desk answered."""

from typing import Any

import httpx

from kuramori.api.package_view import PackageView
from kuramori.desk.approval import read_approval
from kuramori.desk.granted import read_granted
from kuramori.desk.package import approve
from kuramori.wire import from_plain
from kuramori_segments.custodian_key import CustodianKey
from kuramori_segments.custody import ExtractionBinding, combine, open_resealed
from tests.fakes.desk_room import HANDLER, MANAGER, to_plain_bytes
from tests.fakes.desk_steps import EXTRACTION, approval_body, content, raw, reviewed_as
from tests.fakes.key_holders import keys_of
from tests.fakes.staff import Staff


async def granted(staff: Staff, **changes: Any) -> str:
    """File a request and have it granted; return its number."""
    body = staff.room.request_body(**changes)
    number: str = content(await staff.as_person("POST", "/v1/requests", HANDLER, body), 201)["request_id"]
    decision = {"outcome": "granted", "reason": "要件を満たす"}
    content(await staff.as_person("POST", f"/v1/requests/{number}/decision", MANAGER, decision))
    return number


async def approve_as(staff: Staff, number: str, key: CustodianKey) -> httpx.Response:
    """Approve a request as a custodian does, on the recorder's socket: no sign-in, the key proves."""
    path = f"/v1/requests/{number}"
    found = content(await staff.call("GET", f"{path}/package", custodian=key.custodian_id.hex()))
    reviewed = await reviewed_as(staff.room, from_plain(PackageView, found).package())
    made, signature = approve(reviewed, key, staff.room.clock.utc_ms())
    return await staff.call("POST", f"{path}/approvals", body=approval_body(made, signature))


async def approved(staff: Staff, **changes: Any) -> str:
    """File a request, have it granted and approved by enough custodians; return its number."""
    number = await granted(staff, **changes)
    for key in keys_of(staff.room.custodians)[: staff.room.custodians.k]:
        content(await approve_as(staff, number, key), 201)
    return number


async def handed_deks(staff: Staff, number: str) -> dict[str, str]:
    """Fetch the re-sealed shares as the handler, open and combine them."""
    found = content(await staff.as_person("GET", f"/v1/requests/{number}/shares", HANDLER))
    request, approvals = read_granted(raw(found["granted"])), [read_approval(raw(text)) for text in found["approvals"]]
    deks = {}
    for segment in request.segments:
        binding = ExtractionBinding(request.digest, segment.segment_uid)
        shares = [
            open_resealed(share.sealed, EXTRACTION.private_bytes_raw(), binding, one.custodian_id)
            for one in approvals
            for share in one.shares
            if share.segment_uid == segment.segment_uid
        ]
        deks[segment.segment_uid.hex()] = to_plain_bytes(combine(shares, segment.threshold))
    return deks


async def entries(staff: Staff, number: str) -> list[dict[str, Any]]:
    """Return the register's entries of a request, with their bodies."""
    found = content(await staff.as_person("GET", "/v1/register", MANAGER))["entries"]
    return [one for one in found if one["request"] == number]
