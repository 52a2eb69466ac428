"""The simulated camera's ONVIF side as a whole: what it answers to anybody, to nobody, and to nonsense."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori.simulator.card import SimulatedCard
from kuramori.simulator.challenge import Account
from kuramori.simulator.onvif.envelope import HttpReply
from tests.fakes.onvif_questions import NOW_UTC_MS, ask, camera, conforms

_OPERATIONS = (
    "tev:CreatePullPointSubscription",
    "tev:PullMessages",
    "wsnt:Renew",
    "tr2:CreateProfile",
    "tr2:RemoveConfiguration",
    "trt:AddAudioEncoderConfiguration",
    "tds:SetNTP",
    "tds:SetSystemDateAndTime",
    "tse:FindEvents",
    "tse:GetRecordingSearchResults",
    "trc:GetRecordingJobState",
    "trp:GetReplayUri",
)
_FIELDS = (
    "tev:InitialTerminationTime",
    "wsnt:TerminationTime",
    "tev:Timeout",
    "tev:MessageLimit",
    "tr2:ProfileToken",
    "tr2:Configuration",
    "tr2:Type",
    "tr2:Token",
    "tds:FromDHCP",
    "tds:NTPManual",
    "tt:Year",
    "tds:DateTimeType",
    "tse:StartPoint",
    "tse:SearchToken",
    "tse:MaxMatches",
    "tse:Scope",
)
_WORDS = st.sampled_from(("main", "PT1H", "P999999999D", "Manual", "All", "-1", "99999999999999999999", "true", ""))


def _element(name: str, inside: str) -> str:
    return f"<{name}>{inside}</{name}>"


_ELEMENTS = st.recursive(
    _WORDS, lambda inner: st.builds(_element, st.sampled_from(_FIELDS), st.lists(inner, max_size=3).map("".join))
)


@pytest.mark.parametrize("prefix", ["trt", "tev", "trc", "tse", "trp"])
def test_every_service_tells_what_it_can(prefix: str) -> None:
    """GetServiceCapabilities, as the WSDL file says."""
    its = camera()
    its.card = SimulatedCard()
    operation = f"{prefix}:GetServiceCapabilities"
    assert conforms(operation, ask(its, operation)) is not None


def test_without_a_password_only_time_and_services_are_told() -> None:
    """Everything else is 401."""
    its = camera()
    its.account = Account("operator", "hunter2")
    for operation in ("tds:GetServices", "tds:GetSystemDateAndTime"):
        assert ask(its, operation).status == 200
    for operation in ("tev:CreatePullPointSubscription", "tr2:CreateProfile", "tds:SetNTP", "tds:GetNTP"):
        assert ask(its, operation).status == 401


@given(st.sampled_from(_OPERATIONS), st.lists(_ELEMENTS, max_size=4).map("".join))
def test_any_request_is_answered_or_refused(operation: str, inside: str) -> None:
    """No request brings the camera down."""
    its = camera()
    its.card = SimulatedCard()
    its.card.record(NOW_UTC_MS - 1000)
    reply = ask(its, operation, inside)
    assert isinstance(reply, HttpReply)
    assert reply.status in (200, 400, 500)


@given(st.binary(max_size=300))
def test_any_bytes_are_answered(body: bytes) -> None:
    """What is no SOAP request gets a fault."""
    assert camera().reply(body, "", NOW_UTC_MS).status == 400
