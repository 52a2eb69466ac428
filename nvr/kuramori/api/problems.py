"""How the API says no: RFC 9457 problem documents with a stable code, in the caller's language.

`code` is for programs and never changes; `detail` is one sentence for the person (Accept-Language: ja gives
Japanese). Nothing here holds a secret, and a fault of ours shows no inside. Must not know resources.
"""

import traceback
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from kuramori import log
from kuramori.desk import (
    account_fault,
    call_fault,
    custody_fault,
    ending_fault,
    enrolling_fault,
    fault,
    masking_fault,
    presence_fault,
    request_fault,
)
from kuramori.desk.bundle_fault import BundleMissing, BundlesWaiting
from kuramori.desk.complaint_fault import ComplaintFinished, ComplaintUnknown
from kuramori.desk.fault import DeskFault
from kuramori.desk.merkle_log import ProofImpossible
from kuramori.desk.paper_fault import PaperOptionMissing, PaperUnknown
from kuramori.desk.viewing_fault import DetailNotBegun, ViewingFailed, ViewingUnknown

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:kuramori:problem:"

STATUS_OF: Mapping[type[DeskFault], HTTPStatus] = {
    fault.PersonMissing: HTTPStatus.UNAUTHORIZED,
    fault.PersonUnknown: HTTPStatus.FORBIDDEN,
    fault.RoleMissing: HTTPStatus.FORBIDDEN,
    fault.RequestInvalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    fault.RequestRefused: HTTPStatus.FORBIDDEN,
    fault.RequestUnknown: HTTPStatus.NOT_FOUND,
    fault.TransitionRefused: HTTPStatus.CONFLICT,
    fault.NotTheRequester: HTTPStatus.FORBIDDEN,
    fault.OwnRequest: HTTPStatus.FORBIDDEN,
    fault.NothingRecorded: HTTPStatus.NOT_FOUND,
    fault.RecordingErased: HTTPStatus.GONE,
    fault.ApprovalRefused: HTTPStatus.FORBIDDEN,
    fault.ApprovalsExpired: HTTPStatus.CONFLICT,
    fault.ApprovalsMissing: HTTPStatus.CONFLICT,
    fault.RecordingAway: HTTPStatus.CONFLICT,
    fault.ErasureWaits: HTTPStatus.CONFLICT,
    fault.ViewingOnly: HTTPStatus.FORBIDDEN,
    fault.WitnessMissing: HTTPStatus.FORBIDDEN,
    fault.KeysDoNotFit: HTTPStatus.UNPROCESSABLE_ENTITY,
    fault.SegmentChanged: HTTPStatus.CONFLICT,
    fault.ExtractionRefused: HTTPStatus.BAD_GATEWAY,
    fault.DeskBusy: HTTPStatus.SERVICE_UNAVAILABLE,
    BundleMissing: HTTPStatus.NOT_FOUND,
    BundlesWaiting: HTTPStatus.SERVICE_UNAVAILABLE,
    ViewingUnknown: HTTPStatus.NOT_FOUND,
    ViewingFailed: HTTPStatus.BAD_GATEWAY,
    DetailNotBegun: HTTPStatus.FORBIDDEN,
    enrolling_fault.CameraExists: HTTPStatus.CONFLICT,
    enrolling_fault.CameraTrialFailed: HTTPStatus.BAD_GATEWAY,
    enrolling_fault.CertificateUnknown: HTTPStatus.CONFLICT,
    enrolling_fault.BeyondLocalNetwork: HTTPStatus.FORBIDDEN,
    enrolling_fault.CameraUnsound: HTTPStatus.UNPROCESSABLE_ENTITY,
    fault.HoldUnknown: HTTPStatus.NOT_FOUND,
    fault.HoldRefused: HTTPStatus.CONFLICT,
    fault.CameraUnknown: HTTPStatus.NOT_FOUND,
    fault.CameraRemoved: HTTPStatus.CONFLICT,
    fault.EnrolmentChanged: HTTPStatus.CONFLICT,
    fault.AimingUsedUp: HTTPStatus.CONFLICT,
    fault.AimingRefused: HTTPStatus.FORBIDDEN,
    fault.CertificateRefused: HTTPStatus.CONFLICT,
    fault.StillMissing: HTTPStatus.BAD_GATEWAY,
    fault.DoorAway: HTTPStatus.SERVICE_UNAVAILABLE,
    custody_fault.CustodyRefused: HTTPStatus.CONFLICT,
    custody_fault.NotHandedOn: HTTPStatus.CONFLICT,
    custody_fault.ProposalMissing: HTTPStatus.NOT_FOUND,
    custody_fault.ProposalPending: HTTPStatus.CONFLICT,
    ending_fault.VolumeUnknown: HTTPStatus.NOT_FOUND,
    ending_fault.DisposalUnknown: HTTPStatus.NOT_FOUND,
    ending_fault.MediumKept: HTTPStatus.CONFLICT,
    ending_fault.BackupRefused: HTTPStatus.SERVICE_UNAVAILABLE,
    PaperOptionMissing: HTTPStatus.CONFLICT,
    PaperUnknown: HTTPStatus.NOT_FOUND,
    ComplaintUnknown: HTTPStatus.NOT_FOUND,
    ComplaintFinished: HTTPStatus.CONFLICT,
    account_fault.SignInMissing: HTTPStatus.UNAUTHORIZED,
    account_fault.SignInRefused: HTTPStatus.UNAUTHORIZED,
    account_fault.SignInSlowed: HTTPStatus.TOO_MANY_REQUESTS,
    account_fault.EnrolmentUnfinished: HTTPStatus.FORBIDDEN,
    account_fault.EnrolmentRefused: HTTPStatus.UNPROCESSABLE_ENTITY,
    account_fault.PersonDiffers: HTTPStatus.FORBIDDEN,
    account_fault.ScopeMissing: HTTPStatus.FORBIDDEN,
    account_fault.AccountUnknown: HTTPStatus.NOT_FOUND,
    account_fault.AccountThere: HTTPStatus.CONFLICT,
    account_fault.AccountKept: HTTPStatus.FORBIDDEN,
    account_fault.TokenUnknown: HTTPStatus.NOT_FOUND,
    account_fault.LocalOnly: HTTPStatus.FORBIDDEN,
    account_fault.AccountsOff: HTTPStatus.NOT_FOUND,
    call_fault.KeyInvalid: HTTPStatus.BAD_REQUEST,
    call_fault.KeyReused: HTTPStatus.UNPROCESSABLE_ENTITY,
    call_fault.OutcomeUnknown: HTTPStatus.CONFLICT,
    call_fault.AnswerGone: HTTPStatus.CONFLICT,
    call_fault.CallsUnkept: HTTPStatus.SERVICE_UNAVAILABLE,
    call_fault.CursorInvalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    call_fault.RangeUnsatisfiable: HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
    call_fault.JobUnknown: HTTPStatus.NOT_FOUND,
    call_fault.JobsFull: HTTPStatus.SERVICE_UNAVAILABLE,
    masking_fault.BoxesUnusable: HTTPStatus.UNPROCESSABLE_ENTITY,
    masking_fault.MaskedCopyUnknown: HTTPStatus.NOT_FOUND,
    masking_fault.MaskedCopiesUsedUp: HTTPStatus.CONFLICT,
    masking_fault.MaskedCopyOwn: HTTPStatus.FORBIDDEN,
    masking_fault.MaskedCopyNotWaiting: HTTPStatus.CONFLICT,
    masking_fault.MaskedCopyDiffers: HTTPStatus.CONFLICT,
    masking_fault.MaskedCopyUnconfirmed: HTTPStatus.CONFLICT,
    presence_fault.PresenceMissing: HTTPStatus.FORBIDDEN,
    presence_fault.PresenceRefused: HTTPStatus.FORBIDDEN,
    request_fault.OutputNotGranted: HTTPStatus.FORBIDDEN,
    request_fault.IdentityMissing: HTTPStatus.CONFLICT,
    request_fault.NotRefused: HTTPStatus.CONFLICT,
    fault.RecorderAway: HTTPStatus.SERVICE_UNAVAILABLE,
    fault.RecorderDeclined: HTTPStatus.BAD_GATEWAY,
    fault.CustodiansUnusable: HTTPStatus.SERVICE_UNAVAILABLE,
    fault.RegisterAway: HTTPStatus.SERVICE_UNAVAILABLE,
}
# What HTTP itself refuses. "http-400" is a body that is no JSON, or none that can be read.
HTTP_CODES: Mapping[int, str] = {
    404: "no-such-resource",
    405: "method-not-allowed",
    408: "call-too-slow",
    413: "body-too-large",
}
_PHRASES: Mapping[int, str] = {  # RFC 9110; older Pythons have older ones
    413: "Content Too Large",
    416: "Range Not Satisfiable",
    422: "Unprocessable Content",
}
EXTENSIONS = ("field", "reason", "request_id", "state", "needed", "given", "most", "seconds")  # for programs


def install(app: FastAPI) -> None:
    """Answer every failure of the app with a problem document."""
    app.add_exception_handler(DeskFault, _desk_fault)
    app.add_exception_handler(ProofImpossible, _proof_impossible)
    app.add_exception_handler(RequestValidationError, _invalid_body)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)


def phrase_of(status: HTTPStatus) -> str:
    """Return the phrase of a status, the same under every Python."""
    return _PHRASES.get(status.value, status.phrase)


def problem(status: HTTPStatus, code: str, detail: str, extensions: Mapping[str, Any] | None = None) -> JSONResponse:
    """Return one problem document."""
    content = {
        "type": TYPE_PREFIX + code,
        "title": phrase_of(status),
        "status": status.value,
        "code": code,
        "detail": detail,
        **(extensions or {}),
    }
    return JSONResponse(content, status.value, media_type=MEDIA_TYPE)


def japanese(request: Request) -> bool:
    """Tell whether the caller reads Japanese."""
    return request.headers.get("accept-language", "").strip().lower().startswith("ja")


async def _desk_fault(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, DeskFault):
        raise error
    return fault_answer(request, error)


def fault_answer(request: Request, error: DeskFault) -> JSONResponse:
    """Return the problem document of a fault."""
    status = STATUS_OF.get(type(error), HTTPStatus.INTERNAL_SERVER_ERROR)
    facts = {name: getattr(error, name) for name in EXTENSIONS if hasattr(error, name)}
    return problem(status, error.code, error.japanese if japanese(request) else error.english, facts)


async def _proof_impossible(request: Request, error: Exception) -> JSONResponse:
    text = "記録簿にその番号はありません。" if japanese(request) else f"The register has no such proof: {error}."
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "proof-impossible", text)


async def _invalid_body(request: Request, error: Exception) -> JSONResponse:
    """Name the first field that is wrong, never what stood in it."""
    if not isinstance(error, RequestValidationError):
        raise error
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"] if part not in ("body", "query"))
    text = f"{field}: 値が不正です。" if japanese(request) else f"{field}: {first['msg']}."
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "request-invalid", text, {"field": field})


async def _http(request: Request, error: Exception) -> JSONResponse:
    return http_answer(request, error)


def http_answer(request: Request, error: Exception) -> JSONResponse:
    """Return the problem document of what HTTP itself refuses."""
    status = HTTPStatus(error.status_code if isinstance(error, HTTPException) else 500)
    code = HTTP_CODES.get(status.value, f"http-{status.value}")
    text = "要求を処理できません。" if japanese(request) else f"{phrase_of(status)}."
    return problem(status, code, text)


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    trace = "".join(traceback.format_exception(error))  # lines of code only: local values may be keys
    log.get().error("request_failed", path=request.url.path, error=type(error).__name__, trace=trace)
    english = "The desk failed on this; its log says why. Nothing was opened."
    text = "受付で内部エラーが発生しました。ログを確認してください。" if japanese(request) else english
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", text)
