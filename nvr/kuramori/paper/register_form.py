"""The register of viewings and hand-overs as the office's form has it (防犯カメラ画像閲覧等記録簿): one sheet for each.

Read from the entries of the register and nothing else (H5). A request whose bodies were deleted after their time has
no sheet any more. Pure. Must not know files, pages or HTTP.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from kuramori.desk.canonical_json import canonical
from kuramori.desk.granted import read_granted
from kuramori.desk.grounds import ground_named
from kuramori.desk.register import Record
from kuramori.desk.request_steps import Documented, IdentityChecked
from kuramori.desk.steps import (
    STEP_OF_KIND,
    Amended,
    BundleWritten,
    Decided,
    Filed,
    Opened,
    Released,
    RequestDocument,
    Returned,
    ReturnKind,
)
from kuramori.desk.viewing_steps import ViewingBegun
from kuramori.wire import from_plain

RETURN_JAPANESE = {ReturnKind.ERASED: "消去", ReturnKind.RETURNED: "返却", ReturnKind.DESTROYED: "廃棄"}
DOCUMENT_MISSING = "緊急のため文書なしで許可(文書未受領)"
DOCUMENT_LATER = "緊急のため文書なしで許可(文書は後日受領)"
_FORM_KINDS = {
    kind
    for kind, step in STEP_OF_KIND.items()
    if step
    in (Filed, Amended, Decided, Opened, ViewingBegun, Released, BundleWritten, Returned, IdentityChecked, Documented)
}


@dataclass(frozen=True, slots=True)
class FormSheet:
    """One hand-over or viewing with the form's fields. Times are UTC milliseconds, None where not reported yet."""

    request: str
    opening: int  # 0 for a viewing
    entry: int  # index of the entry that says it left, or that it is looked at
    handed_utc_ms: int
    place: str
    organisation: str
    recipient: str  # title and name
    contact: str
    purpose: str
    ground: str
    document_number: str
    cameras: tuple[str, ...]  # each with its place
    from_utc_ms: int
    to_utc_ms: int
    conditions: str
    present: tuple[str, ...]
    ended_utc_ms: int | None
    ended_how: str
    told_by: str
    identity_check: str
    medium: str
    manifest_digest: str
    decided_by: str
    other: str
    viewing: int = 0  # which one of its request, where it was only looked at


@dataclass(slots=True)
class _Story:
    """What is known of one request so far."""

    document: RequestDocument
    ground_words: str = ""
    granted: dict[str, Any] | None = None
    present: tuple[str, ...] = ()
    identity: IdentityChecked | None = None  # of whoever received in person
    documented: Documented | None = None


def sheets_of(records: Iterable[Record]) -> list[FormSheet]:
    """Return the sheets of all hand-overs in the order in which they left."""
    stories: dict[str, _Story] = {}
    sheets: list[FormSheet] = []
    for record in records:
        number, kind, body = record.entry.request, record.entry.kind, record.content
        if number is None or body is None or kind not in _FORM_KINDS:
            continue
        step = from_plain(STEP_OF_KIND[kind], body)
        if isinstance(step, Filed | Amended):
            stories[number] = _Story(step.document, step.ground_words)
        elif number not in stories:
            continue
        elif isinstance(step, Decided):
            stories[number].granted = step.granted
        elif isinstance(step, Opened):
            stories[number].present = step.present
        elif isinstance(step, ViewingBegun) and stories[number].granted is not None:
            stories[number].present = step.present
            sheets.append(_sheet(number, stories[number], step, record))
        elif isinstance(step, Released) and stories[number].granted is not None:
            sheets.append(_sheet(number, stories[number], step, record))
        elif isinstance(step, IdentityChecked):
            stories[number].identity = step
        elif isinstance(step, Documented):
            stories[number].documented = step
            sheets = [_documented(sheet, number, step) for sheet in sheets]
        elif isinstance(step, BundleWritten | Returned):
            sheets = [_followed(sheet, number, step) for sheet in sheets]
    return sheets


def _sheet(number: str, story: _Story, step: Released | ViewingBegun, record: Record) -> FormSheet:
    granted = read_granted(canonical(story.granted))
    recipient = granted.recipient
    known = ground_named(granted.rule_set, granted.ground)
    return FormSheet(
        request=number,
        opening=step.opening if isinstance(step, Released) else 0,
        entry=record.entry.index,
        handed_utc_ms=record.entry.utc_ms,
        place=story.document.place,
        organisation=recipient.organisation,
        recipient=f"{recipient.title} {recipient.name}".strip() + _in_person(story, recipient.name),
        contact=recipient.contact,
        purpose=granted.purpose,
        ground=story.ground_words or (f"{known.source.japanese} {known.name.japanese}" if known else granted.ground),
        document_number=granted.document_number or (story.documented.document_number if story.documented else ""),
        cameras=tuple(f"{camera.name} {camera.place}".strip() for camera in granted.cameras),
        from_utc_ms=granted.from_utc_ms,
        to_utc_ms=granted.to_utc_ms,
        conditions=granted.conditions,
        present=story.present,
        ended_utc_ms=None,
        ended_how="",
        told_by="",
        identity_check=story.identity.identity_check if story.identity else recipient.identity_check,
        medium="",
        manifest_digest=step.manifest_digest.hex() if isinstance(step, Released) else "",
        decided_by=granted.decision.person,
        other="\n".join(text for text in (_urgent(story), story.document.other) if text),
        viewing=step.viewing if isinstance(step, ViewingBegun) else 0,
    )


def _in_person(story: _Story, named: str) -> str:
    """Say who received in person, where that is somebody else than the request names."""
    if story.identity is None or story.identity.name == named:
        return ""
    return f"\n(受領者\u3000{story.identity.name})"


def _urgent(story: _Story) -> str:
    if not story.document.urgent:
        return ""
    return DOCUMENT_LATER if story.documented else DOCUMENT_MISSING


def _documented(sheet: FormSheet, number: str, step: Documented) -> FormSheet:
    """Return a sheet with the document that came later."""
    if sheet.request != number:
        return sheet
    return replace(
        sheet, document_number=step.document_number, other=sheet.other.replace(DOCUMENT_MISSING, DOCUMENT_LATER)
    )


def _followed(sheet: FormSheet, number: str, step: BundleWritten | Returned) -> FormSheet:
    """Return a sheet with what became of it later."""
    if sheet.request != number or sheet.viewing:
        return sheet
    if isinstance(step, Returned):
        return replace(sheet, ended_utc_ms=step.on_utc_ms, ended_how=RETURN_JAPANESE[step.how], told_by=step.told_by)
    return replace(sheet, medium=step.medium) if sheet.opening == step.opening else sheet


def sheets_json(sheets: Iterable[FormSheet]) -> bytes:
    """Return the sheets as one JSON document, for programs: field names as above, times in UTC milliseconds."""
    rows = [{name: getattr(sheet, name) for name in FormSheet.__slots__} for sheet in sheets]
    return json.dumps({"sheets": rows}, ensure_ascii=False, indent=1).encode("utf-8") + b"\n"
