"""A desk under siege: served over TLS and on its socket, everybody signed in, and attackers who count what they try.

Each attack returns an `Attempts`: how many, how they ended, and what must never be (a failure of the desk's own, a
secret in an answer, an answer that its document does not know). Used by the tests in short and by the bench at length.
"""

import asyncio
import itertools
import json
import re
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from schemathesis import GenerationMode

from kuramori.api.app import make_app
from kuramori.api.contract.document import codes_in, committed
from kuramori.api.server import bind_tcp, serve_tcp
from kuramori.api.tls import ensure_own, server_context
from tests.fakes.desk_room import MANAGER, PEOPLE, DeskRoom
from tests.fakes.staff import PASSWORD, Staff

WAIT_SECONDS = 120
ATTACKERS = 16
ADDRESSES_EACH = 7  # hostile texts for each operation, in turn: prime to their number
UNDOCUMENTED_CODES = {"no-such-resource", "method-not-allowed", "http-400"}
ENDING_SIGN_INS = {"/v1/sign-out", "/v1/users/departures", "/v1/users/resets"}  # they would disarm the attacker
INSIDE = re.compile(rb"Traceback|File \"/|/site-packages/|sqlite3?\.|BEGIN [A-Z ]*PRIVATE KEY")


@dataclass(slots=True)
class Attempts:
    """What was tried, and how it ended."""

    name: str
    count: int = 0
    ends: Counter[str] = field(default_factory=Counter)  # "2xx", "4xx", "cut", "5xx of the recorder or door", …
    wrong: list[str] = field(default_factory=list)  # what must not be

    def note(self, end: str, wrong: str = "") -> None:
        """Note one."""
        self.count += 1
        self.ends[end] += 1
        if wrong:
            self.wrong.append(wrong[:300])


class Siege:
    """The desk, its address, and everybody's tokens."""

    def __init__(self, room: DeskRoom, staff: Staff, port: int, certificate: Path) -> None:
        self.room, self.staff, self.port, self.certificate = room, staff, port, certificate
        self.base = f"https://127.0.0.1:{port}"
        self.tls = ssl.create_default_context(cafile=str(certificate))
        self.document = committed()
        key = room.places.device_key.read_bytes()
        tokens = [token.encode() for token in (*staff.tokens.values(), *staff.devices.values())]
        self.secrets = [PASSWORD.encode(), str(room.folder).encode(), key[40:100], *tokens]

    # ---- judging -----------------------------------------------------------------------------------------------

    def judge(self, what: str, status: int, headers: str, body: bytes, said: dict[str, Any] | None) -> tuple[str, str]:
        """Return how a call ended, and what is wrong with its answer; "" for nothing."""
        end = f"{status // 100}xx"
        kind = re.search(r"content-type: *([^;\r\n]*)", headers, re.IGNORECASE)
        media_type = kind[1].strip() if kind else ""
        if any(secret in body or secret in headers.encode("utf-8", "replace") for secret in self.secrets):
            return end, f"{what}: a secret in the answer"
        if INSIDE.search(body):
            return end, f"{what}: an inside in the answer: {body[:200]!r}"
        if status < 400 or said is None:
            return end, f"{what}: {status} {body[:200]!r}" if status == 500 else ""
        if media_type != "application/problem+json":
            return end, f"{what}: {status} as {media_type or 'nothing'}: {body[:100]!r}"
        code = json.loads(body).get("code", "")
        documented = codes_in(said["responses"].get(str(status), {}))
        if code == "internal" or (code not in documented and code not in UNDOCUMENTED_CODES):
            return end, f"{what}: {status} {code}"
        return end, ""

    # ---- attacks -----------------------------------------------------------------------------------------------

    async def schemas(
        self, cases_each: int, people: tuple[str, ...], *, paths: frozenset[str] = frozenset()
    ) -> Attempts:
        """Call every operation as everybody with what fits its schema, and with what does not (schemathesis)."""
        found = Attempts("every operation, by its schema")
        wanted = {where: said for where, said in self.document["paths"].items() if not paths or where in paths}
        schema = schemathesis.openapi.from_dict({**self.document, "paths": wanted})

        def fire_as(case: Any, said: dict[str, Any], person: str) -> None:
            sent = dict(case.as_transport_kwargs(base_url=self.base))
            own = {k: v for k, v in sent.pop("headers", {}).items() if k.lower() not in ("authorization", "host")}
            if person:
                own["Authorization"] = f"Bearer {self.staff.tokens[person]}"
            what = f"{person or 'nobody'} {case.method} {case.path}"
            try:
                answer = session.request(**sent, headers=own, timeout=WAIT_SECONDS)
            except (requests.exceptions.InvalidHeader, UnicodeError, requests.exceptions.InvalidURL):
                return  # the client itself will not send it
            except requests.exceptions.ConnectionError:
                found.note("cut")
                return
            told = "\r\n".join(f"{name}: {value}" for name, value in answer.headers.items())
            found.note(*self.judge(what, answer.status_code, told, answer.content, said))

        def attack(operation: Any, mode: GenerationMode, seed: int) -> None:
            said = self.document["paths"][operation.path][operation.method.lower()]

            @seeded(seed)
            @settings(
                max_examples=cases_each,
                deadline=None,
                database=None,
                phases=(Phase.generate,),
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy(generation_mode=mode))
            def fire(case: Any) -> None:
                for person in people:
                    fire_as(case, said, person)

            try:
                fire()
            except Exception as error:  # schemathesis cannot make what does not fit some operations
                if type(error).__module__.split(".")[0] not in ("hypothesis", "schemathesis"):
                    raise

        with requests.Session() as session:
            session.verify = str(self.certificate)
            session.trust_env = False
            for number, result in enumerate(schema.get_all_operations()):
                operation = result.ok()
                if operation.path in ENDING_SIGN_INS:
                    continue
                for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                    await asyncio.to_thread(attack, operation, mode, number)
        return found

    async def raw(self, sent: bytes, *, wait: bool = True) -> bytes:
        """Send bytes over TLS and return everything that comes until the desk lets go."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=self.tls)
        found = b""
        try:
            writer.write(sent)
            await writer.drain()
            async with asyncio.timeout(WAIT_SECONDS):
                while wait and (piece := await reader.read(65536)):
                    found += piece
        except (ConnectionError, ssl.SSLError):
            return found
        finally:
            writer.close()
        return found

    async def injections(self, most: int = 1 << 30) -> Attempts:
        """Put what breaks others into every address and header, byte by byte as an attacker would."""
        found = Attempts("path and header injection")
        token = self.staff.tokens[MANAGER]
        rest = f"Host: desk\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
        heads = iter(list(_addresses(self.document))[:most] + list(_headers())[:most])

        async def attacker() -> None:
            for head in heads:  # shared: each takes the next one
                answer = await self.raw(head.encode("utf-8", "surrogateescape") + rest)
                await self._note_raw(found, head, answer)

        await asyncio.gather(*(attacker() for _ in range(ATTACKERS)))
        return found

    async def huge(self, rounds: int = 1) -> Attempts:
        """Bodies and heads that are too large, too deep, too many; said to be, or really."""
        found = Attempts("huge bodies and heads")
        token = self.staff.tokens[MANAGER]
        for _ in range(rounds):
            for name, sent in _huge(token):
                await self._note_raw(found, name, await self.raw(sent))
        return found

    async def slow(self, callers: int) -> Attempts:
        """Heads and bodies in drops, readers who never read: all at once, and somebody honest is served meanwhile."""
        found = Attempts("slow heads, bodies and readers")
        token = self.staff.tokens[MANAGER]
        ways = (
            (b"GET /v1/gro", b"u"),
            (b"GET /v1/grounds HTTP/1.1\r\nHost: desk\r\nX-Slow: ", b"a"),
            (_post(token, b"Content-Length: 100000"), b" "),
            (_post(token, b"Transfer-Encoding: chunked"), b"1\r\n \r\n"),
        )
        tasks = [asyncio.create_task(self._trickle(*ways[number % len(ways)])) for number in range(callers)]
        readers = [asyncio.create_task(self._never_read(token)) for _ in range(callers // 4)]
        while not all(task.done() for task in tasks):
            await self._honest(found)
            await asyncio.sleep(0.05)
        for task in tasks:
            answer = await task
            late = answer.startswith(b"HTTP/1.1 408 ")
            found.note("4xx" if late else "cut", "" if late or not answer else f"a slow caller got {answer[:100]!r}")
        for reader in readers:
            await reader
            found.note("cut")
        return found

    async def parallel(self, clients: int, calls_each: int) -> Attempts:
        """So many clients at once, over TLS, each with connections of its own; the recorder answers meanwhile."""
        found = Attempts(f"{clients} clients at once")
        paths = ("/v1/state", "/v1/requests", "/v1/register", "/v1/cameras", "/v1/holds", "/v1/session")
        token = self.staff.tokens[MANAGER]

        async def client(number: int) -> None:
            async with httpx.AsyncClient(verify=self.tls, base_url=self.base, timeout=WAIT_SECONDS) as http:
                for call in range(calls_each):
                    path = paths[(number + call) % len(paths)]
                    said = self.document["paths"][path]["get"]
                    try:
                        answer = await http.get(path, headers={"Authorization": f"Bearer {token}"})
                    except httpx.TransportError as error:
                        found.note("cut", f"{path}: {type(error).__name__}")
                        continue
                    told = "\r\n".join(f"{name}: {value}" for name, value in answer.headers.items())
                    found.note(*self.judge(path, answer.status_code, told, answer.content, said))

        everybody = [asyncio.create_task(client(number)) for number in range(clients)]
        while not all(task.done() for task in everybody):
            async with asyncio.timeout(WAIT_SECONDS):
                await self.room.open_desk.recorder.status()
            await asyncio.sleep(0.05)
        await asyncio.gather(*everybody)
        return found

    # ---- inside ------------------------------------------------------------------------------------------------

    async def _note_raw(self, found: Attempts, what: str, answer: bytes) -> None:
        if not answer.startswith(b"HTTP/1."):
            found.note("cut")
            return
        head, _, body = answer.partition(b"\r\n\r\n")
        text = head.decode("latin-1")
        end, wrong = self.judge(what, int(text[9:12]), text, body, None)
        if re.search(r"(?im)^x-injected", text):
            wrong = f"{what!r}: a header of the attacker's in the answer"
        found.note(end, wrong)

    async def _honest(self, found: Attempts) -> None:
        answer = await self.staff.call("GET", "/v1/state")
        if answer.status_code != 200:
            found.wrong.append(f"an honest caller got {answer.status_code}")

    async def _trickle(self, begin: bytes, drop: bytes) -> bytes:
        """Send in drops; return what was answered until the desk let go."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=self.tls)
        reading = asyncio.create_task(_to_end(reader))
        try:
            writer.write(begin)
            async with asyncio.timeout(WAIT_SECONDS):
                while not reading.done():
                    writer.write(drop)
                    await asyncio.sleep(0.05)
        except (ConnectionError, ssl.SSLError):
            await reading
        finally:
            writer.close()
        return await reading

    async def _never_read(self, token: str) -> None:
        """Ask and ask, and never read; return when the desk has let go."""
        _, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=self.tls)
        ask = f"GET /v1/openapi.json HTTP/1.1\r\nHost: desk\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                while not writer.is_closing():
                    writer.write(ask)
                    await writer.drain()
                    await asyncio.sleep(0.02)
        except (ConnectionError, ssl.SSLError):
            return
        finally:
            writer.close()


async def _to_end(reader: asyncio.StreamReader) -> bytes:
    found = b""
    try:
        while piece := await reader.read(65536):
            found += piece
    except (ConnectionError, ssl.SSLError):
        return found
    return found


def _post(token: str, how: bytes) -> bytes:
    head = (
        f"POST /v1/holds HTTP/1.1\r\nHost: desk\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
    )
    return head.encode() + how + b"\r\n\r\n"


IN_PATHS = (
    *("..", "../../etc/passwd", "..%2f..%2fetc%2fpasswd", "%2e%2e%2f%2e%2e%2f", "%252e%252e%252f", "%00", "a%00.json"),
    *("%0d%0aX-Injected:%201", "%0aX-Injected:1", "%c0%ae%c0%ae", "%ff%fe", "%ed%a0%80", "{request_id}", "{{7*7}}"),
    *(
        "$(id)",
        "`id`",
        "';--",
        '"or"1"="1',
        "%27%20OR%201=1--",
        "x" * 4000,
        "-1",
        "99999999999999999999",
        "1e9",
        ";a=b",
    ),
    *("//evil.example/", "http://evil.example/", "%E5%9B%B3", "%20", "+", "~", "null", "undefined", "*", "%", "%zz"),
)
IN_HEADERS = (
    *("../../etc/passwd", "%00", "%0d%0aX-Injected:%201", "\x7f", "\x01", "x" * 9000, "ä" * 200, "bytes=0-,-1,5-"),
    *("bytes=-99999999999999999999", "Bearer ", "Bearer kt_", "Bearer " + "k" * 5000, "' OR 1=1--", "${jndi:ldap://x}"),
    *(
        'W/"x"',
        "ja;q=9999",
        "-1",
        "99999999999999999999",
        "\udcff\udcfe",
        "[]",
        "{",
        "chunked, identity",
        "100-continue",
    ),
)
HEADERS = (
    *(
        "Kuramori-Person",
        "Authorization",
        "Accept-Language",
        "Accept",
        "Idempotency-Key",
        "Range",
        "If-Range",
        "Cookie",
    ),
    *("Content-Length", "Transfer-Encoding", "Content-Type", "Expect", "X-Forwarded-For", "Forwarded", "X-HTTP-Method"),
    *("Upgrade", "X-Original-URL", "Origin", "Referer", "User-Agent", "If-None-Match", "TE", "Via", "Host"),
)


def _addresses(document: dict[str, Any]) -> Iterator[str]:
    turn = itertools.cycle(IN_PATHS)
    for path, all_of in document["paths"].items():
        for method in all_of:
            for bad in itertools.islice(turn, ADDRESSES_EACH):
                where = bad.join(re.split(r"\{[^}]*\}", path)) if "{" in path else f"{path}/{bad}"
                yield f"{method.upper()} {where} HTTP/1.1\r\n"
                if method == "get":
                    yield f"GET {path}?{bad}={bad}&limit={bad}&cursor={bad} HTTP/1.1\r\n"


def _headers() -> Iterator[str]:
    for name, bad in itertools.product(HEADERS, IN_HEADERS):
        yield f"GET /v1/requests HTTP/1.1\r\n{name}: {bad}\r\n"
    for name, bad in itertools.product(("Idempotency-Key", "Content-Length", "Content-Type", "Expect"), IN_HEADERS):
        yield f"POST /v1/holds HTTP/1.1\r\n{name}: {bad}\r\n"
    yield from (
        *("GET /v1/state\r\n", "GET /v1/state HTTP/9.9\r\n", "GET  /v1/state  HTTP/1.1\r\n", "\r\n\r\n", "GET\r\n"),
        *("GET /v1/state HTTP/1.1\r\n X-Folded: 1\r\n", "GET /v1/state HTTP/1.1\r\nNo colon\r\n", "PRI * HTTP/2.0\r\n"),
        *(
            "GET /v1/state HTTP/1.1\r\nHost: a\r\nHost: b\r\n",
            "CONNECT desk:443 HTTP/1.1\r\n",
            "OPTIONS * HTTP/1.1\r\n",
        ),
        *("POST /v1/holds HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n", "TRACE /v1/state HTTP/1.1\r\n"),
        *("POST /v1/holds HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n",),
    )


def _huge(token: str) -> Iterator[tuple[str, bytes]]:
    long, deep = b"x" * (9 << 20), b"[" * 200_000
    for name, how, body in (
        ("a gibibyte, said", b"Content-Length: 1073741824", b""),
        ("nine mebibytes, sent", b"Content-Length: %d" % len(long), long),
        ("nine mebibytes in chunks", b"Transfer-Encoding: chunked", b"900000\r\n" + long[:0x900000] + b"\r\n0\r\n\r\n"),
        ("two hundred thousand brackets", b"Content-Length: %d" % len(deep), deep),
        ("a number of a million digits", b"Content-Length: 1000000", b"9" * 1_000_000),
        ("a text of seven mebibytes", b"Content-Length: %d" % (7 << 20), b'"' + b"a" * ((7 << 20) - 2) + b'"'),
        ("three hundred thousand members", b"Content-Length: 3300002", b"{" + b'"aaaaa":1,,' * 300_000 + b"}"),
        ("said to be packed", b"Content-Encoding: gzip\r\nContent-Length: 20", b"\x1f\x8b" + b"\x00" * 18),
        ("a chunk of a negative length", b"Transfer-Encoding: chunked", b"-1\r\n"),
        ("a chunk without an end", b"Transfer-Encoding: chunked", b"ffffffffffffffff\r\nx"),
    ):
        yield name, _post(token, b"Connection: close\r\n" + how) + body
    yield "a head of 200 kB", b"GET /v1/state HTTP/1.1\r\nX: " + b"a" * 200_000 + b"\r\n\r\n"
    yield "ten thousand headers", b"GET /v1/state HTTP/1.1\r\n" + b"X: a\r\n" * 10_000 + b"\r\n"
    yield "an address of 60 kB", b"GET /v1/" + b"a" * 60_000 + b" HTTP/1.1\r\nHost: desk\r\nConnection: close\r\n\r\n"
    many = "&".join(f"a{number}=1" for number in range(5000))
    yield "five thousand parameters", f"GET /v1/state?{many} HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n".encode()


@asynccontextmanager
async def besieged(folder: Path) -> AsyncIterator[Siege]:
    """A desk with everybody signed in, over TLS and on its socket."""
    room = DeskRoom(folder)
    room.sign_in = True
    async with room:
        staff = Staff(room)
        async with room.client() as staff.many:
            await staff.all_signed_in(MANAGER)
            certificate, key = folder / "tls.pem", folder / "tls.key"
            ensure_own(certificate, key, "Kita", b"\x00" * 16, "127.0.0.1", 1_795_410_000_000)
            listener, stop = bind_tcp("127.0.0.1:0"), asyncio.Event()
            port = listener.getsockname()[1]
            if room.context is None:
                raise AssertionError("the desk is not open")
            app = make_app(room.context)
            serving = asyncio.create_task(serve_tcp(app, listener, server_context(certificate, key), stop))
            try:
                yield Siege(room, staff, port, certificate)
            finally:
                stop.set()
                await serving


EVERYBODY = ("", *(person.name for person in PEOPLE))
