"""A whole desk over real sockets: fake recorder behind recorder.sock, the API on desk.sock, files in a folder.

`DeskRoom` is an async context manager; `restart` ends the desk and starts it again on the same files, as a new
process would. The clock is told, the custodians are real keys.
"""

import asyncio
import base64
import ssl
import urllib.parse
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from kuramori.api.app import make_app
from kuramori.api.context import Context
from kuramori.api.headers import PERSON_HEADER
from kuramori.api.server import serve
from kuramori.desk.accounts.account_store import AccountStore
from kuramori.desk.accounts.accounts import Accounts
from kuramori.desk.desk import Desk, DeskPlaces
from kuramori.desk.register import RegisterFault
from kuramori.desk.site import Site, SiteCamera, SitePerson
from kuramori.message_server import MessageServer
from kuramori.recorder_client import RecorderClient
from kuramori_config.schema import Role
from tests.fakes.clock import ToldClock
from tests.fakes.fake_masker import FakeMaskers
from tests.fakes.fake_recorder import FakeRecorder
from tests.fakes.fake_stills import FakeDoor, FakeStills
from tests.fakes.fake_viewer import FakeViewers
from tests.fakes.fake_worker import FakeWorkers
from tests.fakes.key_holders import CREATED_UTC_MS, custodian_set

RECORDER_ID = bytes(range(16))
MANAGER = "Sato Hanako"
DEPUTY = "Suzuki Ichiro"
HANDLER = "田中 次郎"
SECOND_HANDLER = "山本 三郎"
AUDITOR = "Ito Shiro"
ADMINISTRATOR = "Kato Goro"
INSTALLER = "Abe Rokuro"
NOW_UTC_MS = CREATED_UTC_MS + 10 * 24 * 3600 * 1000
MINUTE_MS = 60_000

PEOPLE = (
    SitePerson(MANAGER, "課長", frozenset({Role.MANAGER})),
    SitePerson(DEPUTY, "係長", frozenset({Role.DEPUTY, Role.HANDLER})),
    SitePerson(HANDLER, "主任", frozenset({Role.HANDLER})),
    SitePerson(SECOND_HANDLER, "主事", frozenset({Role.HANDLER})),
    SitePerson(AUDITOR, "監査委員", frozenset({Role.AUDITOR})),
    SitePerson(ADMINISTRATOR, "情報政策課", frozenset({Role.ADMINISTRATOR})),
    SitePerson(INSTALLER, "委託業者", frozenset({Role.INSTALLER})),
)
SITE = Site(
    RECORDER_ID,
    "Kita school route",
    "HOK",
    "Asia/Tokyo",
    (
        SiteCamera("gate", "North gate", "rtsp://127.0.0.1/gate"),
        SiteCamera("park", "公園入口", "rtsp://127.0.0.1/park"),
    ),
    PEOPLE,
)


class DeskRoom:
    """The desk with everything around it."""

    def __init__(self, folder: Path, *, k: int = 2, n: int = 3) -> None:
        self.folder = folder
        self.clock = ToldClock(NOW_UTC_MS)
        self.custodians = custodian_set(k, n)
        self.recorder = FakeRecorder(RECORDER_ID, self.custodians, {"gate": 1, "park": 2}, now_utc_ms=NOW_UTC_MS)
        self.workers = FakeWorkers()
        self.maskers = FakeMaskers()
        self.viewers = FakeViewers()
        self.stills = FakeStills()
        self.door = FakeDoor()
        self.site = replace(SITE)
        self.places = DeskPlaces(
            folder / "register.db",
            folder / "register_key.pem",
            folder / "requests.db",
            folder / "custodians.json",
            folder / "device_key.pem",
            folder / "device_certificate.pem",
            folder / "spool",
        )
        self.socket = folder / "desk.sock"
        self.desk: Desk | None = None
        self.sign_in = False
        self.context: Context | None = None
        self.accounts: Accounts | None = None
        self._server: MessageServer | None = None
        self._stop = asyncio.Event()
        self._serving: asyncio.Task[None] | None = None
        self.places.custodians.write_bytes(self.custodians.to_bytes())
        self.recorder.custody_files = (self.places.custodians, folder / "custodian_chain.json")
        device_key = ec.generate_private_key(ec.SECP256R1())
        self.places.device_key.write_bytes(
            device_key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        self.from_utc_ms = NOW_UTC_MS - 30 * MINUTE_MS
        self.to_utc_ms = NOW_UTC_MS - 20 * MINUTE_MS

    async def __aenter__(self) -> Self:
        """Record something, start recorder and desk."""
        for start in (-40, -30, -20, -10):
            self.recorder.record("gate", NOW_UTC_MS + start * MINUTE_MS, NOW_UTC_MS + (start + 10) * MINUTE_MS)
        self.recorder.record("park", NOW_UTC_MS - 35 * MINUTE_MS, NOW_UTC_MS - 15 * MINUTE_MS)
        await self.start_recorder()
        await self.start_desk()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End both."""
        await self.stop_desk()
        await self.stop_recorder()

    async def start_recorder(self) -> None:
        """Answer on recorder.sock."""
        self._server = await MessageServer(self.folder / "recorder.sock", self.recorder.answer).start()

    async def stop_recorder(self) -> None:
        """Answer no more."""
        if self._server is not None:
            await self._server.close()
            self._server = None

    async def start_desk(self) -> None:
        """Open the desk and serve it."""
        client = RecorderClient(self.folder / "recorder.sock")
        trouble = ""
        try:
            run, take, show = self.workers.run_worker, self.stills.take, self.viewers.start
            mask = self.maskers.run
            self.desk = Desk.open(self.site, self.places, client, run, take, self.clock, begin_viewer=show, mask=mask)
        except RegisterFault as fault:
            self.desk, trouble = None, str(fault)
        context = Context(self.site, client, self.clock, self.folder, self.desk, trouble, self.door)
        if self.sign_in and self.desk is not None:
            self.accounts = Accounts(
                site=self.site,
                journal=self.desk.journal,
                store=AccountStore.open(self.folder / "accounts.db"),
                clock=self.clock,
                idle_seconds=900,
                memory_kib=8,
            )
        self.site.sign_in = self.sign_in
        context.sign_in, context.accounts, self.context = self.sign_in, self.accounts, context
        self._stop = asyncio.Event()
        self._serving = asyncio.create_task(serve(make_app(context), self.socket, self._stop))
        while not self.socket.exists() or not await _answers(self.socket):
            await asyncio.sleep(0.005)

    async def stop_desk(self) -> None:
        """End the desk in order."""
        self._stop.set()
        if self._serving is not None:
            await self._serving
            self._serving = None
        if self.accounts is not None:
            self.accounts.close()
            self.accounts = None
        if self.desk is not None:
            await self.desk.close()
            self.desk = None

    async def restart(self) -> None:
        """End the desk and start it again on the same files."""
        await self.stop_desk()
        await self.start_desk()

    @property
    def open_desk(self) -> Desk:
        """The desk, which must be open."""
        if self.desk is None:
            raise AssertionError("the desk is not open")
        return self.desk

    def client(self) -> httpx.AsyncClient:
        """Return a client for the desk's socket, without the cost of loading certificates."""
        transport = httpx.AsyncHTTPTransport(uds=str(self.socket), verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
        return httpx.AsyncClient(transport=transport, base_url="http://desk", timeout=30)

    async def call(
        self, method: str, path: str, person: str = "", body: Any = None, **params: str | int
    ) -> httpx.Response:
        """Call the API as a person; returns the whole answer."""
        headers = {PERSON_HEADER: urllib.parse.quote(person, safe="")} if person else {}
        async with self.client() as client:
            return await client.request(method, path, json=body, params=params, headers=headers)

    def request_body(self, extraction: X25519PrivateKey | None = None, **changes: Any) -> dict[str, Any]:
        """Return a request that the rules allow."""
        key = extraction or X25519PrivateKey.from_private_bytes(b"\x05" * 32)
        body: dict[str, Any] = {
            "cameras": ["gate"],
            "from_utc_ms": self.from_utc_ms,
            "to_utc_ms": self.to_utc_ms,
            "ground": "investigation",
            "document_number": "捜査第123号",
            "recipient": {
                "kind": "authority",
                "organisation": "北警察署",
                "title": "巡査部長",
                "name": "高橋 七郎",
                "contact": "000-000-0000",
                "identity_check": "警察手帳",
            },
            "purpose": "窃盗事件の捜査",
            "conditions": "目的達成後は速やかに消去すること",
            "place": "市役所 防犯課",
            "witnesses": [DEPUTY],
            "extraction_key": to_plain_bytes(key.public_key().public_bytes_raw()),
        }
        return {**body, **changes}


async def _answers(socket_path: Path) -> bool:
    try:
        _, writer = await asyncio.open_unix_connection(socket_path)
    except OSError:
        return False
    writer.close()
    return True


def to_plain_bytes(data: bytes) -> str:
    """Return base64, as the API takes bytes."""
    return base64.b64encode(data).decode("ascii")
