"""Filing, changing and deciding requests: what is checked, what goes into the register, and in which order.

A request that the rules refuse outright is registered as a refused attempt (H2). Filing places a hold on the named
minutes; if the recorder is away, the request is filed all the same and the hold follows (H10). Must not know HTTP.
"""

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from cryptography.hazmat.primitives.asymmetric import ec

from kuramori.desk.fault import (
    DeskFault,
    NothingRecorded,
    RecorderAway,
    RecordingAway,
    RecordingErased,
    RequestInvalid,
    RequestRefused,
)
from kuramori.desk.granted import (
    CAMERAS_MOST,
    SEGMENTS_MOST,
    GrantDecision,
    GrantedCamera,
    GrantedRequest,
    GrantedSegment,
    one_line,
    sign_granted,
)
from kuramori.desk.grounds import Asked, Matter, Output, RecipientKind
from kuramori.desk.hold_book import hold_id_of
from kuramori.desk.journal import Actor, Journal
from kuramori.desk.keeping import Keeping, new_id
from kuramori.desk.recorder import Recorder, asking
from kuramori.desk.request import Request, RequestState
from kuramori.desk.request_steps import Documented, IdentityChecked
from kuramori.desk.site import Site
from kuramori.desk.steps import Amended, Decided, Filed, HoldPlaced, Outcome, Refused, RequestDocument, Returned
from kuramori.messages import ExtractionPlan, SpanKind
from kuramori.timebase import Clock
from kuramori_segments.custodian_set import CustodianSet
from kuramori_segments.header import SegmentHeader
from kuramori_segments.opening_key import can_be_sealed_to

RANGE_MOST_MS = 7 * 24 * 3600 * 1000  # a request names minutes; who needs more than a week files more than one
FUTURE_MS = 2_000  # the range may end now: what the recorder has not yet committed is at most so young
EXTRACTION_KEY_BYTES = 32
HOUR_MS = 3600 * 1000
DAY_MS = 24 * HOUR_MS
HOLD_MOST_MS = 366 * DAY_MS  # a hold has an end; it can be extended again

Holders = Callable[[Sequence[bytes]], Mapping[bytes, CustodianSet]]  # segment uids → to whom each was handed on


@dataclass(frozen=True, slots=True)
class Wish:
    """What a manager grants; None: as requested."""

    cameras: tuple[str, ...] | None = None
    from_utc_ms: int | None = None
    to_utc_ms: int | None = None
    outputs: tuple[str, ...] | None = None


MAY_BE_AWAY = frozenset({SpanKind.AWAY, SpanKind.RECORDED, SpanKind.UNPROVEN})  # where a volume does not answer


class Filing:
    """Requests from filing to decision, and their end."""

    def __init__(
        self,
        *,
        site: Site,
        journal: Journal,
        recorder: Recorder,
        keeping: Keeping,
        device_key: ec.EllipticCurvePrivateKey,
        holders: Holders,
        clock: Clock,
    ) -> None:
        self._site = site
        self._journal = journal
        self._recorder = recorder
        self._keeping = keeping
        self._device_key = device_key
        self._holders = holders
        self._clock = clock

    async def file(self, document: RequestDocument, actor: Actor) -> tuple[Request, DeskFault | None]:
        """File a request; also return why its minutes are not held (yet), if so. Raises DeskFault."""
        document, away = await self._examine(document, actor)
        now = self._clock.utc_ms()
        request_id = self._journal.next_request_id(now)
        await self._journal.write(Filed(document, self._ground_words(document)), actor, now, request_id)
        trouble = await self._hold(request_id, actor)
        return self._journal.request(request_id), trouble or away

    async def amend(self, request_id: str, document: RequestDocument, actor: Actor) -> tuple[Request, DeskFault | None]:
        """Change a request: it has to be decided anew, and approvals are void. Raises DeskFault."""
        self._journal.request(request_id)
        document, away = await self._examine(document, actor)
        step = Amended(document, self._ground_words(document))
        await self._journal.write(step, actor, self._clock.utc_ms(), request_id)
        trouble = await self._hold(request_id, actor)
        kept = hold_id_of(request_id, self._journal.request(request_id).revision)
        await self._keeping.lift_for_request(request_id, actor, "the request was changed", but=kept)
        return self._journal.request(request_id), trouble or away

    async def decide(self, request_id: str, outcome: Outcome, reason: str, wish: Wish, actor: Actor) -> Request:
        """Decide in writing. Granting needs the recorder, which names the segments. Raises DeskFault."""
        request = self._journal.request(request_id)
        if not reason or not one_line(reason):
            raise RequestInvalid("reason", "a decision needs its reason in one line.", "決裁には理由(1行)が必要です。")
        if outcome is Outcome.REFUSED:
            await self._journal.write(Decided(outcome, reason, None, b""), actor, self._clock.utc_ms(), request_id)
            await self._keeping.lift_for_request(request_id, actor, "the request was refused")
            return self._journal.request(request_id)
        now = self._clock.utc_ms()
        decision = GrantDecision(outcome.value, actor.person, reason, now)
        granted = await self._granted(request, decision, wish)
        signature = sign_granted(granted.to_bytes(), self._device_key)
        owed = request.document.urgent and not request.documented_number
        due = now + self._site.terms.urgent_documented_within_hours * HOUR_MS if owed else 0
        step = Decided(outcome, reason, granted.document(), signature, due)
        await self._journal.write(step, actor, now, request_id)
        return self._journal.request(request_id)

    async def returned(self, request_id: str, step: Returned, actor: Actor) -> Request:
        """Note that the recipient erased, returned or destroyed the pictures. Raises DeskFault."""
        self._journal.request(request_id)
        await self._journal.write(step, actor, self._clock.utc_ms(), request_id)
        await self._keeping.lift_for_request(request_id, actor, "the hand-over is finished")
        return self._journal.request(request_id)

    async def document(self, request_id: str, step: Documented, actor: Actor) -> Request:
        """Note that the document of an urgent request is there, since when; 0: now. Raises DeskFault."""
        self._journal.request(request_id)
        now = self._clock.utc_ms()
        _require_line("document_number", step.document_number)
        step = replace(step, received_utc_ms=step.received_utc_ms or now)
        if step.received_utc_ms > now + FUTURE_MS:
            raise RequestInvalid("received_utc_ms", "when it came, not in the future.", "受領日時が不正です。")
        await self._journal.write(step, actor, now, request_id)
        return self._journal.request(request_id)

    async def identify(self, request_id: str, step: IdentityChecked, actor: Actor) -> Request:
        """Note who receives in person and how their identity was checked. Raises DeskFault."""
        request = self._journal.request(request_id)
        _require_line("identity_check", step.identity_check)
        named = IdentityChecked(step.name or request.document.recipient.name, step.identity_check)
        _require_line("name", named.name)
        await self._journal.write(named, actor, self._clock.utc_ms(), request_id)
        return self._journal.request(request_id)

    async def extend_hold(
        self, request_id: str, until_utc_ms: int, reason: str, actor: Actor
    ) -> tuple[Request, DeskFault | None]:
        """Hold a request's minutes longer (K5); also return why they are not yet, if so. Raises DeskFault.

        The longer hold stands before the shorter one goes.
        """
        request = self._journal.request(request_id)
        _require_line("reason", reason)
        holds = self._journal.holds.of_request(request_id)
        now = self._clock.utc_ms()
        last = max((hold.until_utc_ms for hold in holds), default=now)
        if not max(now, last) < until_utc_ms <= now + HOLD_MOST_MS:
            raise RequestInvalid(
                "until_utc_ms",
                "later than now and than the hold as it is, within 366 days.",
                "現在の期限より後で、366日以内の日時としてください。",
            )
        if request.state in (RequestState.REFUSED, RequestState.RETURNED):
            raise RequestInvalid("request", "it is over: nothing is held.", "終了した請求です。")
        document = request.document
        step = HoldPlaced(new_id(), document.cameras, document.from_utc_ms, document.to_utc_ms, until_utc_ms, reason)
        try:
            await self._keeping.place(step, actor, request_id)
        except RecorderAway as away:  # it follows later; until then the holds before stay
            return request, away
        for hold in holds:
            await self._keeping.lift_if_there(hold.hold_id, "held longer", actor)
        return request, None

    def _ground_words(self, document: RequestDocument) -> str:
        ground = self._site.rules.ground(document.ground)
        return f"{ground.source.japanese} {ground.name.japanese}" if ground is not None else document.ground

    async def _examine(self, document: RequestDocument, actor: Actor) -> tuple[RequestDocument, DeskFault | None]:
        """Refuse what cannot be, then what the rules refuse, then what was never recorded.

        Return the document as it is filed, and what does not hinder filing, which must be possible before the
        retention ends (H10): nobody can look now, as the recorder does not answer or a volume is away.
        """
        check_document(document, self._site, self._clock.utc_ms())
        kind = RecipientKind(document.recipient.kind)
        outputs = tuple(Output(output) for output in document.outputs)
        asked = Asked(document.ground, document.document_number, kind, document.matter, outputs)
        refusal = self._site.rules.assess(asked)
        if refusal is not None:
            now = self._clock.utc_ms()
            request_id = self._journal.next_request_id(now)
            noted = replace(document, matter=refusal.matter)
            step = Refused(refusal.reason, refusal.text.english, noted, refusal.text.japanese)
            await self._journal.write(step, actor, now, request_id)
            raise RequestRefused(refusal.reason, refusal.text.english, refusal.text.japanese, request_id)
        document = self._completed(document, kind)
        try:
            plans = await self._plans(document.cameras, document.from_utc_ms, document.to_utc_ms)
            _require_something(plans)
        except RecorderAway:
            return document, None  # the hold says so
        except RecordingAway as away:
            return document, away
        return document, None

    def _completed(self, document: RequestDocument, kind: RecipientKind) -> RequestDocument:
        """Return an allowed document with what its ground says where nothing was said. Raises RequestInvalid."""
        ground = self._site.rules.ground(document.ground)
        if ground is None:
            return document
        outputs = document.outputs or tuple(output.value for output in ground.usual_outputs(kind))
        if kind is RecipientKind.PERSON_FILMED:
            _require_line("recipient.identity_check", document.recipient.identity_check)
        if outputs != (Output.VIEWING.value,):
            _require_line("conditions", document.conditions)
        urgent = ground.document_later and not document.document_number
        return replace(document, outputs=outputs, urgent=urgent)

    async def _plans(self, cameras: Sequence[str], from_utc_ms: int, to_utc_ms: int) -> list[ExtractionPlan]:
        plans = []
        for camera in cameras:
            async with asking(camera):
                plans.append(await self._recorder.plan_extraction(camera, from_utc_ms, to_utc_ms))
        return plans

    async def _hold(self, request_id: str, actor: Actor) -> DeskFault | None:
        request = self._journal.request(request_id)
        document = request.document
        hold = HoldPlaced(
            hold_id_of(request_id, request.revision),
            document.cameras,
            document.from_utc_ms,
            document.to_utc_ms,
            self._clock.utc_ms() + self._site.terms.hold_days * DAY_MS,
            "filed request",
        )
        try:
            await self._keeping.place(hold, actor, request_id)
        except DeskFault as fault:
            return fault
        return None

    async def _granted(self, request: Request, decision: GrantDecision, wish: Wish) -> GrantedRequest:
        document = request.document
        cameras = wish.cameras if wish.cameras is not None else document.cameras
        from_utc_ms = wish.from_utc_ms if wish.from_utc_ms is not None else document.from_utc_ms
        to_utc_ms = wish.to_utc_ms if wish.to_utc_ms is not None else document.to_utc_ms
        if not cameras or not set(cameras) <= set(document.cameras) or from_utc_ms >= to_utc_ms:
            raise RequestInvalid("granted", "grant a part of what was requested.", "請求の範囲内で決裁してください。")
        outputs = wish.outputs if wish.outputs is not None else document.outputs
        if not set(outputs) <= set(document.outputs) or (document.outputs and not outputs):
            raise RequestInvalid("outputs", "grant a part of what was requested.", "請求の範囲内で決裁してください。")
        plans = await self._plans(cameras, from_utc_ms, to_utc_ms)
        _require_something(plans)
        uids = [extent.segment_uid for plan in plans for extent in plan.segments]
        holders = await asyncio.to_thread(self._holders, uids)
        segments = tuple(segment for plan in plans for segment in _segments(plan, holders))
        if len(segments) > SEGMENTS_MOST:
            raise RequestInvalid("to_utc_ms", "too much at once: grant less.", "範囲が広すぎます。")
        places = {camera.name: camera.place for camera in (*self._site.cameras, *self._site.removed)}
        return GrantedRequest(
            recorder_id=self._site.recorder_id,
            site=self._site.name,
            request_id=request.request_id,
            revision=request.revision,
            cameras=tuple(
                GrantedCamera(plan.camera, plan.camera_number, places.get(plan.camera, "")) for plan in plans
            ),
            from_utc_ms=from_utc_ms,
            to_utc_ms=to_utc_ms,
            rule_set=self._site.rule_set,
            ground=document.ground,
            document_number=document.document_number,
            recipient=document.recipient,
            purpose=document.purpose,
            conditions=document.conditions,
            requester=document.requester,
            decision=decision,
            extraction_key=document.extraction_key,
            segments=segments,
            outputs=outputs,
        )


def check_document(document: RequestDocument, site: Site, now_utc_ms: int) -> None:
    """Refuse what cannot be a request, whatever its ground. Raises RequestInvalid."""
    _check_cameras(document.cameras, site)
    if not document.from_utc_ms < document.to_utc_ms or document.from_utc_ms < 0:
        raise RequestInvalid("to_utc_ms", "the range has to end after it begins.", "終了は開始より後にしてください。")
    if document.to_utc_ms > now_utc_ms + FUTURE_MS:
        raise RequestInvalid(
            "to_utc_ms", "the range lies in the future: file when it is over.", "未来の期間は請求できません。"
        )
    if document.to_utc_ms - document.from_utc_ms > RANGE_MOST_MS:
        raise RequestInvalid("to_utc_ms", "a request covers at most seven days.", "期間は7日以内としてください。")
    _check_texts(document)
    if document.recipient.kind not in set(RecipientKind):
        kinds = ", ".join(RecipientKind)
        raise RequestInvalid("recipient.kind", f"one of {kinds}.", f"次のいずれかです: {kinds}")
    if document.matter and document.matter not in set(Matter):
        raise RequestInvalid("matter", f"one of {', '.join(Matter)}.", f"次のいずれかです: {', '.join(Matter)}")
    if not set(document.outputs) <= set(Output) or len(set(document.outputs)) != len(document.outputs):
        raise RequestInvalid("outputs", f"of {', '.join(Output)}.", f"次から選んでください: {', '.join(Output)}")
    if document.erase_by_utc_ms and document.erase_by_utc_ms <= now_utc_ms:
        raise RequestInvalid("erase_by_utc_ms", "a time to come.", "将来の日時としてください。")
    for name in document.witnesses:
        if site.person(name) is None:
            raise RequestInvalid("witnesses", f"nobody is called {name}.", f"{name} は登録されていません。")
    key = document.extraction_key
    if len(key) != EXTRACTION_KEY_BYTES or not can_be_sealed_to(key):
        raise RequestInvalid("extraction_key", "not an X25519 public key.", "抽出鍵が不正です。")


def _check_cameras(cameras: tuple[str, ...], site: Site) -> None:
    if not cameras or len(set(cameras)) != len(cameras) or len(cameras) > CAMERAS_MOST:
        raise RequestInvalid("cameras", "name at least one camera, each once.", "カメラを重複なく指定してください。")
    for name in cameras:
        if site.camera(name) is None:
            known = ", ".join(camera.name for camera in site.cameras)
            shown = name[:32] if one_line(name[:32]) else "?"
            raise RequestInvalid(
                "cameras",
                f"there is no camera {shown}; the cameras are: {known}.",
                f"カメラ {shown} はありません。登録されているカメラ: {known}",
            )


def _check_texts(document: RequestDocument) -> None:
    recipient = document.recipient
    required = {"purpose": document.purpose, "recipient.name": recipient.name}
    texts = {
        **required,
        "document_number": document.document_number,
        "conditions": document.conditions,
        "place": document.place,
        "other": document.other,
        "ground": document.ground,
        "requester": document.requester,
        "recipient.organisation": recipient.organisation,
        "recipient.title": recipient.title,
        "recipient.contact": recipient.contact,
        "recipient.identity_check": recipient.identity_check,
    }
    for field, text in texts.items():
        if not one_line(text):
            raise RequestInvalid(
                field, "one line of visible characters, at most 400.", "1行400文字以内で入力してください。"
            )
        if field in required and not text:
            raise RequestInvalid(field, "this has to be filled in.", "入力してください。")


def _require_line(field: str, text: str) -> None:
    if not text or not one_line(text):
        raise RequestInvalid(field, "this has to be filled in, in one line.", "記入してください(1行)。")


def _require_something(plans: Sequence[ExtractionPlan]) -> None:
    """Raise where no segment of any plan can be opened. Raises NothingRecorded, RecordingAway, RecordingErased."""
    if any(segment.epoch_alive for plan in plans for segment in plan.segments):
        return
    cameras = ", ".join(plan.camera for plan in plans)
    volumes = {volume for plan in plans for volume in plan.away_volumes}
    if volumes and any(span.kind in MAY_BE_AWAY for plan in plans for span in plan.spans):
        raise RecordingAway(cameras, ", ".join(sorted(volumes)))
    erased = any(plan.segments for plan in plans) or any(
        span.kind is SpanKind.ERASED for plan in plans for span in plan.spans
    )
    raise RecordingErased(cameras) if erased else NothingRecorded(cameras)


def _segments(plan: ExtractionPlan, holders: Mapping[bytes, CustodianSet]) -> list[GrantedSegment]:
    """The segments of a plan that can be opened, by the digest of their headers, each with who opens it."""
    found = []
    for extent in plan.segments:
        if not extent.epoch_alive:
            continue
        header = SegmentHeader.unpack(extent.header)
        digest = hashlib.sha256(extent.header).digest()
        holder = holders.get(extent.segment_uid)
        threshold, set_id = (header.k, b"") if holder is None else (holder.k, holder.set_id)
        found.append(GrantedSegment(plan.camera_number, extent.segment_uid, extent.sequence, digest, threshold, set_id))
    return found


def with_requester(document: RequestDocument, actor: Actor) -> RequestDocument:
    """Return the document with the acting handler as its requester."""
    return replace(document, requester=actor.person)
