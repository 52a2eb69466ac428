"""The office as its people use it: the admin API over TLS 1.3, each person with an own sign-in.

Every call is shown before the audience. It must not know the story.
"""

import base64
import json
import ssl
import time
import urllib.parse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from kuramori.api.headers import MANIFEST_HEADER, PERSON_HEADER
from kuramori.demo.narrator import Narrator
from kuramori.demo.stage import StepFailed
from kuramori.desk.accounts import totp
from kuramori.texts import tr

TIMEOUT_SECONDS = 120.0
GOOD = range(200, 300)
NEXT_CODE_SECONDS = 0.2
SHOWN_MOST = 160


@dataclass(slots=True)
class Person:
    """What one of the staff has: a password in the head, an authenticator, an open sign-in."""

    name: str
    password: str = field(repr=False)
    authenticator: bytes = field(default=b"", repr=False)
    token: str = field(default="", repr=False)
    last_step: int = 0

    def code(self) -> str:
        """Return the next code of the authenticator; none is taken twice, so this may take half a minute."""
        while (step := totp.step_of(time.time_ns() // 1_000_000)) <= self.last_step:
            time.sleep(NEXT_CODE_SECONDS)
        self.last_step = step
        return totp.code_of(self.authenticator, step)


class Office:
    """The API's clients. Close it."""

    def __init__(self, port: int, certificate: Path, narrator: Narrator) -> None:
        trusted = ssl.create_default_context(cafile=str(certificate))
        trusted.minimum_version = ssl.TLSVersion.TLSv1_3
        self._narrator = narrator
        self._http = httpx.Client(
            base_url=f"https://127.0.0.1:{port}",
            verify=trusted,
            timeout=TIMEOUT_SECONDS,
            headers={"Accept-Language": tr("en", "ja")},
        )
        self.people: dict[str, Person] = {}

    def close(self) -> None:
        """End all conversations."""
        self._http.close()

    # ---- signing in --------------------------------------------------------------------------------------------

    def first_account(self, name: str, socket_path: Path) -> None:
        """Make the first account of all, on the recorder itself; the person signs in. Raises StepFailed."""
        transport = httpx.HTTPTransport(uds=str(socket_path), verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
        headers = {PERSON_HEADER: urllib.parse.quote(name, safe="")}
        self._show("POST", "/v1/users", name)
        with httpx.Client(transport=transport, base_url="http://desk", headers=headers, timeout=TIMEOUT_SECONDS) as own:
            answer = own.post("/v1/users", json={"person": name})
        self._enrol(name, self._taken(answer, "/v1/users")["start_password"])

    def account(self, name: str, by: str) -> None:
        """Give somebody an account; they sign in for the first time. Raises StepFailed."""
        self._enrol(name, self.post(by, "/v1/users", {"person": name})["start_password"])

    def _enrol(self, name: str, start_password: str) -> None:
        person = Person(name, f"demo only: the long password of {name}")
        answer = self._http.post("/v1/sign-in", json={"person": name, "password": start_password})
        signed = self._taken(answer, "/v1/sign-in")
        key = signed["enrolment"]["authenticator_key"].replace(" ", "")
        person.authenticator = base64.b32decode(key + "=" * (-len(key) % 8))
        body = {"new_password": person.password, "code": person.code(), "acknowledged": True}
        bearer = {"Authorization": f"Bearer {signed['token']}"}
        answer = self._http.post("/v1/sign-in/enrolment", json=body, headers=bearer)
        person.token = self._taken(answer, "/v1/sign-in/enrolment")["token"]
        self.people[name] = person

    # ---- calls -------------------------------------------------------------------------------------------------

    def get(self, name: str, path: str, params: Mapping[str, str | int] | None = None) -> Any:
        """Ask for something. Raises StepFailed where it is refused."""
        return self._taken(self.call(name, "GET", path, params=params), path)

    def quiet(self, name: str, path: str) -> Any:
        """Ask again and again without telling. Raises StepFailed where it is refused."""
        headers = {"Authorization": f"Bearer {self.people[name].token}"}
        return self._taken(self._http.get(path, headers=headers), path)

    def post(self, name: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Do something. Raises StepFailed where it is refused."""
        return self._taken(self.call(name, "POST", path, body or {}), path)

    def file(self, name: str, path: str, params: Mapping[str, str | int] | None = None) -> bytes:
        """Fetch a page to print. Raises StepFailed where it is refused."""
        answer = self.call(name, "GET", path, params=params)
        if answer.status_code not in GOOD:
            raise _unexpected(path, answer)
        return answer.content

    def refused(self, code: str, name: str, method: str, path: str, body: Mapping[str, Any] | None = None) -> None:
        """Try what must be refused with this stable code; show the sentence. Raises StepFailed."""
        answer = self.call(name, method, path, body)
        problem = answer.json() if answer.status_code not in GOOD else {}
        if problem.get("code") != code:
            raise _unexpected(path, answer)
        self._narrator.refused(f"{answer.status_code} {problem['code']}: {problem['detail']}")

    @contextmanager
    def download(self, name: str, path: str, body: Mapping[str, Any] | None) -> Iterator[tuple[str, Iterator[bytes]]]:
        """Yield the manifest's digest and the answer as it comes; with a body it is posted. Raises StepFailed."""
        method, content = ("GET", None) if body is None else ("POST", dict(body))
        self._show(method, path, name)
        headers = {"Authorization": f"Bearer {self.people[name].token}"}
        with self._http.stream(method, path, json=content, headers=headers) as answer:
            if answer.status_code not in GOOD:
                answer.read()
                raise _unexpected(path, answer)
            yield answer.headers.get(MANIFEST_HEADER, ""), answer.iter_bytes()

    def call(
        self,
        name: str,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        params: Mapping[str, str | int] | None = None,
    ) -> httpx.Response:
        """Call as a person who is signed in; "" as nobody."""
        self._show(method, path, name)
        headers = {"Authorization": f"Bearer {self.people[name].token}"} if name else {}
        content = json.dumps(body).encode() if body is not None else None
        if content is not None:
            headers["Content-Type"] = "application/json"
        return self._http.request(method, path, content=content, params=dict(params or {}), headers=headers)

    def _show(self, method: str, path: str, name: str) -> None:
        who = name or tr("nobody", "未サインイン")
        self._narrator.call(f"{method} {path}", who)

    def _taken(self, answer: httpx.Response, path: str) -> Any:
        if answer.status_code not in GOOD:
            raise _unexpected(path, answer)
        return answer.json() if answer.content else None


class Asking:
    """One person's view of the office, for code that only asks."""

    def __init__(self, office: Office, name: str) -> None:
        self._office = office
        self._name = name

    def get_json(self, path: str, params: Mapping[str, str | int] | None = None) -> Any:
        """Ask for something. Raises StepFailed."""
        return self._office.get(self._name, path, params)


def _unexpected(path: str, answer: httpx.Response) -> StepFailed:
    return StepFailed(
        tr(f"{path} answered {answer.status_code}.", f"{path} の応答が {answer.status_code} でした。"),
        answer.text[:SHOWN_MOST],
    )
