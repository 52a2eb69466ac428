"""Two members of staff are there when pictures are looked at or handed over (H4): the one place that says so.

Where people sign in, the second one confirms with an own sign-in. The confirmation is bound to the granted request and
to one act, stands in the register before it counts, is good for minutes, once, and never survives a restart of the
desk. Without sign-in the names are declared. Use from one event loop. Must not know HTTP, passwords or bundles.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from kuramori.desk.custody_fault import CustodyRefused
from kuramori.desk.fault import RequestInvalid, WitnessMissing
from kuramori.desk.granted import one_line
from kuramori.desk.journal import Actor, Journal
from kuramori.desk.presence_fault import PresenceMissing, PresenceRefused
from kuramori.desk.presence_steps import PresenceConfirmed
from kuramori.desk.request import PRESENT_LEAST, Request, RequestState, require_openable
from kuramori.desk.site import Site
from kuramori.timebase import Clock

FRESH_MINUTES = 5
_FRESH_NS = FRESH_MINUTES * 60 * 10**9
_SECOND_NS = 10**9


class Act(StrEnum):
    """What somebody is present at. A confirmation for one is none for the other."""

    VIEW = "view"
    RELEASE = "release"
    RECOVERY = "recovery"  # break-glass


@dataclass(frozen=True, slots=True)
class Confirmed:
    """Somebody confirmed, and this is how long it still counts."""

    person: str
    act: Act
    left_seconds: int


@dataclass(frozen=True, slots=True)
class _Confirmation:
    granted_digest: bytes
    until_ns: int


class Presence:
    """Who is present besides the handler who filed the request."""

    def __init__(self, *, site: Site, journal: Journal, clock: Clock) -> None:
        self._site = site
        self._journal = journal
        self._clock = clock
        self._confirmed: dict[tuple[str, Act, str], _Confirmation] = {}  # by request, act, person

    async def confirm(self, request_id: str, act: Act, actor: Actor) -> Confirmed:
        """Take the confirmation of who is signed in, once it stands in the register. Raises DeskFault."""
        request = self._journal.request(request_id)
        requester = request.document.requester
        if actor.person == requester:
            raise PresenceRefused(requester)
        now_utc_ms = self._clock.utc_ms()
        if act is Act.RECOVERY:
            require_waiting(request)
        else:
            require_openable(request, requester, now_utc_ms)
        digest = _digest(request)
        await self._journal.write(PresenceConfirmed(act.value, requester, digest), actor, now_utc_ms, request_id)
        now_ns = self._clock.boot_ns()
        self._drop_old(now_ns)
        self._confirmed[request_id, act, actor.person] = _Confirmation(digest, now_ns + _FRESH_NS)
        return Confirmed(actor.person, act, FRESH_MINUTES * 60)

    def confirmed(self, request_id: str) -> tuple[Confirmed, ...]:
        """Return who has confirmed and not been counted yet. Raises RequestUnknown."""
        now_ns, digest = self._clock.boot_ns(), _digest(self._journal.request(request_id))
        return tuple(
            Confirmed(person, act, (one.until_ns - now_ns) // _SECOND_NS)
            for (number, act, person), one in sorted(self._confirmed.items())
            if number == request_id and one.granted_digest == digest and now_ns < one.until_ns
        )

    def staff(self, request: Request, act: Act, actor: Actor, declared: Sequence[str]) -> tuple[str, ...]:
        """Return who is present, the acting person first, and use nothing up. Raises DeskFault where nobody else is.

        `declared`: names that the acting person gives. Where people sign in, each of them has to have confirmed.
        """
        if not self._site.sign_in:
            return self._declared(request, actor, declared)
        there = [one.person for one in self.confirmed(request.request_id) if one.act is act]
        absent = tuple(name for name in dict.fromkeys(declared) if name not in (actor.person, *there))
        if absent and not all(one_line(name) for name in absent):
            raise RequestInvalid("present", "names in one line.", "氏名は1行で入力してください。")
        names = tuple(dict.fromkeys((actor.person, *there)))
        if absent or len(names) < PRESENT_LEAST:
            raise PresenceMissing(request.request_id, act.value, FRESH_MINUTES, absent)
        return names

    def use(self, request: Request, act: Act, actor: Actor, declared: Sequence[str]) -> tuple[str, ...]:
        """Return the same and use the confirmations up: call it once, right before the act is registered."""
        names = self.staff(request, act, actor, declared)
        for name in names:
            self._confirmed.pop((request.request_id, act, name), None)
        return names

    def _declared(self, request: Request, actor: Actor, declared: Sequence[str]) -> tuple[str, ...]:
        names = tuple(dict.fromkeys((actor.person, *request.document.witnesses, *declared)))
        for name in names:
            if self._site.person(name) is None:
                shown = name[:64] if one_line(name[:64]) else "?"
                raise RequestInvalid(
                    "present", f"nobody is called {shown}.", f"{shown} は職員として登録されていません。"
                )
        if len(names) < PRESENT_LEAST:
            raise WitnessMissing
        return names

    def _drop_old(self, now_ns: int) -> None:
        self._confirmed = {key: one for key, one in self._confirmed.items() if now_ns < one.until_ns}


def require_waiting(request: Request) -> None:
    """Raise CustodyRefused unless the request is granted and waits for custodians: break-glass is for no other."""
    number = request.request_id
    if request.state is not RequestState.GRANTED:
        raise CustodyRefused(
            "not-waiting",
            f"Request {number} does not wait for custodians: the recovery key is for granted requests only.",
            f"請求 {number} は承認待ちではありません。復旧鍵は決裁済みの請求にのみ使用できます。",
        )


def _digest(request: Request) -> bytes:
    return request.granted.digest if request.granted is not None else b""
