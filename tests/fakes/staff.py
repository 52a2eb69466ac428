"""Staff who sign in at a desk: each has a password and an authenticator, as in life. For desks with sign-in."""

from typing import Any

import httpx

from kuramori.desk.accounts import totp
from tests.fakes.desk_room import PEOPLE, DeskRoom
from tests.fakes.desk_steps import content

PASSWORD = "a long enough password 2026"


class Staff:
    """The people of a desk with sign-in. `tokens`, `keys` and `devices` by person."""

    def __init__(self, room: DeskRoom) -> None:
        self.room = room
        self.keys: dict[str, bytes] = {}
        self.tokens: dict[str, str] = {}
        self.devices: dict[str, str] = {}
        self.many: httpx.AsyncClient | None = None  # one connection for very many calls

    async def call(
        self, method: str, path: str, token: str = "", body: Any = None, name: str = "", **params: str | int
    ) -> httpx.Response:
        """Call the API on the socket with a bearer token."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if name:
            headers["Kuramori-Person"] = httpx.URL(f"http://x/{name}").raw_path[1:].decode()
        if self.many is not None:
            return await self.many.request(method, path, json=body, params=params, headers=headers)
        async with self.room.client() as client:
            return await client.request(method, path, json=body, params=params, headers=headers)

    async def as_person(
        self, method: str, path: str, person: str, body: Any = None, **params: str | int
    ) -> httpx.Response:
        """Call as somebody who is signed in."""
        return await self.call(method, path, self.tokens[person], body, **params)

    def code(self, person: str) -> str:
        """Return the code that the person's authenticator shows, after a while."""
        self.room.clock.pass_ms(totp.STEP_MS)
        return totp.code_of(self.keys[person], totp.step_of(self.room.clock.utc_ms()))

    async def enrol(self, person: str, start_password: str) -> None:
        """Sign in for the first time."""
        body = {"person": person, "password": start_password}
        signed = content(await self.call("POST", "/v1/sign-in", body=body), 201)
        shown = signed["enrolment"]["authenticator_key"].replace(" ", "")
        self.keys[person] = _base32(shown)
        body = {"new_password": PASSWORD, "code": self.code(person), "acknowledged": True}
        self._note(content(await self.call("POST", "/v1/sign-in/enrolment", signed["token"], body), 201))

    async def sign_in(self, person: str, **changes: str) -> httpx.Response:
        """Sign in with password and code."""
        body = {"person": person, "password": PASSWORD, "code": self.code(person), **changes}
        answer = await self.call("POST", "/v1/sign-in", body=body)
        if answer.status_code == 201:
            self._note(answer.json())
        return answer

    async def found(self, person: str) -> None:
        """Make the first account, as root on the recorder."""
        answer = await self.call("POST", "/v1/users", body={"person": person}, name=person)
        await self.enrol(person, content(answer, 201)["start_password"])

    async def add(self, person: str, by: str) -> None:
        """Give somebody an account; they sign in."""
        answer = await self.as_person("POST", "/v1/users", by, {"person": person})
        await self.enrol(person, content(answer, 201)["start_password"])

    async def all_signed_in(self, by: str) -> None:
        """Everybody of the site."""
        await self.found(by)
        for one in PEOPLE:
            if one.name != by:
                await self.add(one.name, by)

    def _note(self, signed: dict[str, Any]) -> None:
        self.tokens[signed["person"]] = signed["token"]
        self.devices[signed["person"]] = signed["device"]


def _base32(text: str) -> bytes:
    import base64

    return base64.b32decode(text + "=" * (-len(text) % 8))
