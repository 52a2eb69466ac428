"""Accounts put together: signing in, the first sign-in, adding, leaving, tokens, the recovery code.

Each change stands in the register before it takes effect. Passwords are stretched in threads, few at a time; strangers
wait in a line of their own, so that guessing from outside delays nobody on a known device or at the recorder. Use from
one event loop. Must not know HTTP.
"""

import asyncio
import hmac
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from kuramori import log
from kuramori.desk.account_fault import (
    AccountKept,
    AccountThere,
    AccountUnknown,
    EnrolmentRefused,
    SignInMissing,
    SignInRefused,
    SignInSlowed,
    TokenUnknown,
)
from kuramori.desk.account_steps import (
    RecoveryCodeMade,
    RecoveryCodeUsed,
    SecrecyAcknowledged,
    TokenMade,
    TokenRevoked,
    UserAdded,
    UserLeft,
)
from kuramori.desk.accounts import password, totp
from kuramori.desk.accounts.account import Account, ApiToken, Scope
from kuramori.desk.accounts.account_store import AccountStore
from kuramori.desk.accounts.lockout import Lockout, Way
from kuramori.desk.accounts.recovery_code import code_digest, new_code
from kuramori.desk.accounts.session import Session, Sessions, digest_of, new_token
from kuramori.desk.fault import PersonUnknown
from kuramori.desk.journal import Actor, Journal
from kuramori.desk.site import Site
from kuramori.timebase import Clock
from kuramori_config.schema import Role

DEVICE_PREFIX = "kd_"
TOKEN_PREFIX = "kt_"  # noqa: S105 - what a token begins with
WAITING_MOST = 16  # strangers in line for a password check
BUSY_SECONDS = 2
_DECIDERS = frozenset({Role.MANAGER, Role.DEPUTY})
_RECOVERABLE = _DECIDERS | {Role.ADMINISTRATOR}
_BY_ADMINISTRATOR = frozenset({Role.ADMINISTRATOR, Role.INSTALLER, Role.AUDITOR})


@dataclass(frozen=True, slots=True)
class Place:
    """From where somebody signs in: the local socket's uid, or an address."""

    address: str = ""
    uid: int | None = None


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A sign-in that succeeded. `secret` is the new key for the authenticator while the first one is not finished."""

    session: Session
    token: str = field(repr=False)
    device: str = field(default="", repr=False)
    secret: bytes = field(default=b"", repr=False)


class _Lane:
    """A line in which one password at a time is checked."""

    def __init__(self, waiting_most: int) -> None:
        self._one = asyncio.Lock()
        self._waiting = 0
        self._most = waiting_most

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for the turn. Raises SignInSlowed where too many wait."""
        if self._waiting >= self._most:
            raise SignInSlowed(BUSY_SECONDS)
        self._waiting += 1
        try:
            async with self._one:
                yield
        finally:
            self._waiting -= 1


class Accounts:
    """The accounts of the site. Raises DeskFault, AccountStoreFault."""

    def __init__(
        self,
        *,
        site: Site,
        journal: Journal,
        store: AccountStore,
        clock: Clock,
        idle_seconds: int,
        memory_kib: int = password.MEMORY_KIB,
    ) -> None:
        self._site = site
        self._journal = journal
        self._store = store
        self._clock = clock
        self._memory_kib = memory_kib
        self._accounts = store.accounts()
        self._tokens = {token.digest: token for token in store.tokens()}
        self._sessions = Sessions(idle_seconds)
        self._lockout = Lockout()
        self._known_lane, self._stranger_lane = _Lane(WAITING_MOST * 16), _Lane(WAITING_MOST)
        self._nobody = password.hashed(secrets.token_urlsafe(), memory_kib)  # so that no name answers sooner

    @property
    def nobody_yet(self) -> bool:
        """Tell whether no account was ever made: then root may make the first one on the recorder itself."""
        return not self._accounts

    def accounts(self) -> list[Account]:
        """Return all accounts, also of those who left."""
        return list(self._accounts.values())

    def tokens(self) -> list[ApiToken]:
        """Return the machines' tokens."""
        return sorted(self._tokens.values(), key=lambda token: (token.made_utc_ms, token.token_id))

    def session(self, token: str) -> Session | None:
        """Return the session of a token, and note that it is used."""
        return self._sessions.of(token, self._clock.boot_ns())

    def token(self, token: str) -> ApiToken | None:
        """Return a machine's token while it is good."""
        found = self._tokens.get(digest_of(token))
        return found if found is not None and self._clock.utc_ms() < found.until_utc_ms else None

    # ---- signing in --------------------------------------------------------------------------------------------

    async def sign_in(self, name: str, typed: str, code: str, device: str, place: Place) -> SignedIn:
        """Sign a person in. Raises SignInRefused, SignInSlowed."""
        account, way = await self._password_checked(name, typed, device, place)
        if not account.is_enrolled:
            self._lockout.succeeded(way)
            secret = totp.new_secret()
            token, session = self._sessions.open(name, self._clock.boot_ns(), secret)
            return SignedIn(session, token, secret=secret)
        await self._use_authenticator(name, code, way, place)
        return await self._welcome(name, device if way.device else "")

    async def prove(self, name: str, typed: str, code: str, place: Place) -> None:
        """Prove a person by password and code for this one moment; no session comes of it. Raises as signing in."""
        account, way = await self._password_checked(name, typed, "", place)
        if not account.is_enrolled:
            self._refuse(name, True, place)
            raise SignInRefused
        await self._use_authenticator(name, code, way, place)

    async def enrol(self, token: str, new_password: str, code: str, statement: str, acknowledged: bool) -> SignedIn:
        """Finish the first sign-in: own password, authenticator, secrecy. Raises SignInMissing, EnrolmentRefused."""
        session = self.session(token)
        account = self._accounts.get(session.person) if session is not None else None
        if session is None or session.new_secret is None or account is None or account.is_enrolled:
            raise SignInMissing
        if not acknowledged:
            raise EnrolmentRefused("secrecy")
        step = totp.matching_step(session.new_secret, code, self._clock.utc_ms(), 0)
        if step is None:
            raise EnrolmentRefused("code")
        async with self._known_lane.turn():
            same = await asyncio.to_thread(password.matches, new_password, account.password)
            if same or not password.fits(new_password):
                raise EnrolmentRefused("password")
            kept = await self._hashed(new_password)
        if self.session(token) is not session or not self._still(account):
            raise SignInMissing
        now = self._clock.utc_ms()
        person = account.person
        await self._journal.write(SecrecyAcknowledged(person, False, statement), Actor(person, "first sign-in"), now)
        enrolled = replace(
            account, password=kept, totp_secret=session.new_secret, last_step=step, acknowledged_utc_ms=now
        )
        await self._keep(enrolled)
        self._sessions.close_all(person)
        return await self._welcome(person, "")

    def sign_out(self, token: str) -> None:
        """End a session."""
        self._sessions.close(token)

    # ---- accounts ----------------------------------------------------------------------------------------------

    async def add(self, user: str, actor: Actor, *, again: bool, founding: bool = False) -> str:
        """Give a person an account, or a new start password; return that. Raises PersonUnknown, AccountKept, …"""
        self._require_keeper(user, actor, founding=founding)
        there = user in self._accounts and not self._accounts[user].left_utc_ms
        if there and not again:
            raise AccountThere
        if again and not there:
            raise AccountUnknown
        return await self._start(user, UserAdded(user, again), actor)

    async def leave(self, user: str, actor: Actor, statement: str, *, acknowledged: bool) -> None:
        """End an account: the person's own, acknowledging secrecy once more, or another's."""
        account = self._accounts.get(user)
        if account is None or account.left_utc_ms:
            raise AccountUnknown
        own, now = user == actor.person, self._clock.utc_ms()
        if own:
            if not acknowledged:
                raise EnrolmentRefused("secrecy")
            await self._journal.write(SecrecyAcknowledged(user, True, statement), actor, now)
        else:
            self._require_keeper(user, actor)
        await self._journal.write(UserLeft(user, own), actor, now)
        self._sessions.close_all(user)
        await self._replace(replace(account, password=self._nobody, totp_secret=b"", left_utc_ms=now))

    async def make_code(self, actor: Actor) -> str:
        """Return a new recovery code, to be printed once; the one before is void."""
        code = new_code()
        await self._journal.write(RecoveryCodeMade(), actor, self._clock.utc_ms())
        await asyncio.to_thread(self._store.put_recovery_digest, code_digest(code))
        return code

    async def use_code(self, user: str, code: str, place: Place) -> str:
        """Give somebody who keeps accounts a new start password, by the code from the safe. Raises as signing in."""
        wait = self._lockout.attempt(Way("", place.address, place.uid), self._clock.boot_ns())
        if wait:
            raise SignInSlowed(wait)
        kept = await asyncio.to_thread(self._store.recovery_digest)
        person = self._site.person(user)
        if not kept or not hmac.compare_digest(kept, code_digest(code)):
            self._refuse(user, person is not None, place)
            raise SignInRefused
        if person is None or not person.roles & _RECOVERABLE:
            raise AccountUnknown
        self._lockout.succeeded(Way("", place.address, place.uid))
        await asyncio.to_thread(self._store.put_recovery_digest, "")  # once, whatever happens next
        actor = Actor(user, f"administrator recovery code, uid {place.uid}")
        return await self._start(user, RecoveryCodeUsed(user), actor)

    # ---- tokens ------------------------------------------------------------------------------------------------

    async def make_token(self, name: str, scopes: tuple[Scope, ...], until_utc_ms: int, actor: Actor) -> str:
        """Return a machine's token, which is nowhere else."""
        token, now = new_token(TOKEN_PREFIX), self._clock.utc_ms()
        made = ApiToken(secrets.token_hex(8), name, digest_of(token), scopes, actor.person, now, until_utc_ms)
        step = TokenMade(made.token_id, name, tuple(scope.value for scope in scopes), until_utc_ms)
        await self._journal.write(step, actor, now)
        await asyncio.to_thread(self._store.put_token, made)
        self._tokens[made.digest] = made
        return token

    async def revoke_token(self, token_id: str, actor: Actor) -> None:
        """Make a token void. Raises TokenUnknown."""
        found = next((token for token in self._tokens.values() if token.token_id == token_id), None)
        if found is None:
            raise TokenUnknown
        await self._journal.write(TokenRevoked(token_id, found.name), actor, self._clock.utc_ms())
        self._tokens.pop(found.digest, None)
        await asyncio.to_thread(self._store.drop_token, token_id)

    def close(self) -> None:
        """Close the file."""
        self._store.close()

    # ---- inside ------------------------------------------------------------------------------------------------

    async def _password_checked(self, name: str, typed: str, device: str, place: Place) -> tuple[Account, Way]:
        """Return the account whose password this is, and by which way. Raises SignInRefused, SignInSlowed."""
        person = self._site.person(name)
        account = self._accounts.get(name) if person is not None else None
        way = await self._way(name if person is not None else "", device, place)
        async with self._checked(way):
            right = await asyncio.to_thread(password.matches, typed, account.password if account else self._nobody)
        if account is None or not right or not self._still(account) or account.start_is_over(self._clock.utc_ms()):
            self._refuse(name, person is not None, place)
            raise SignInRefused
        return account, way

    async def _use_authenticator(self, name: str, code: str, way: Way, place: Place) -> None:
        """Take a code of the person's authenticator, once. Raises SignInRefused."""
        account = self._accounts[name]
        step = totp.matching_step(account.totp_secret, code, self._clock.utc_ms(), account.last_step)
        if step is None:
            self._refuse(name, True, place)
            raise SignInRefused
        await self._keep(replace(account, last_step=step))
        self._lockout.succeeded(way)

    async def _way(self, person: str, device: str, place: Place) -> Way:
        digest = digest_of(device) if device else ""
        owner = await asyncio.to_thread(self._store.device_person, digest) if digest and person else ""
        return Way(person, place.address, place.uid, digest if owner and owner == person else "")

    @asynccontextmanager
    async def _checked(self, way: Way) -> AsyncIterator[None]:
        wait = self._lockout.attempt(way, self._clock.boot_ns())
        if wait:
            raise SignInSlowed(wait)
        lane = self._known_lane if way.is_known else self._stranger_lane
        async with lane.turn():
            yield

    def _still(self, account: Account) -> bool:
        """Tell whether an account is as it was before its password was checked."""
        now = self._accounts.get(account.person)
        return now is not None and now.password == account.password and not now.left_utc_ms

    async def _welcome(self, person: str, device: str) -> SignedIn:
        own = device or new_token(DEVICE_PREFIX)
        now = self._clock.utc_ms()
        await asyncio.to_thread(self._store.remember_device, digest_of(own), person, now)
        token, session = self._sessions.open(person, self._clock.boot_ns())
        log.get().info("signed_in", person=person)
        return SignedIn(session, token, own)

    async def _start(self, user: str, step: UserAdded | RecoveryCodeUsed, actor: Actor) -> str:
        start, now = password.new_start_password(), self._clock.utc_ms()
        async with self._known_lane.turn():
            kept = await self._hashed(start)
        await self._journal.write(step, actor, now)
        self._sessions.close_all(user)
        await self._replace(Account(user, kept, now))
        return start

    async def _hashed(self, text: str) -> str:
        return await asyncio.to_thread(password.hashed, text, self._memory_kib)

    async def _keep(self, account: Account) -> None:
        self._accounts[account.person] = account  # first: a code that came twice at once is taken once
        await asyncio.to_thread(self._store.put, account)

    async def _replace(self, account: Account) -> None:
        self._accounts[account.person] = account
        await asyncio.to_thread(self._store.replace, account)

    def _require_keeper(self, user: str, actor: Actor, *, founding: bool = False) -> None:
        person, keeper = self._site.person(user), self._site.person(actor.person)
        if person is None and user not in self._accounts:
            raise PersonUnknown("".join(sign if sign.isprintable() else "?" for sign in user[:64]))
        roles = person.roles if person is not None else frozenset()
        decides = keeper is not None and bool(keeper.roles & _DECIDERS)
        if not founding and not decides and not roles <= _BY_ADMINISTRATOR:
            raise AccountKept(user)

    def _refuse(self, name: str, known: bool, place: Place) -> None:
        shown = name if known else "somebody unknown"
        log.get().warning("sign_in_refused", person=shown, address=place.address, uid=place.uid)
