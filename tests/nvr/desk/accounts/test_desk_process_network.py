"""The desk as a process of its own with a table [api]: from the first account to a command on another machine."""

import asyncio
import base64
import os
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from kuramori.cli.session_file import KeptSignIn, keep_sign_in
from kuramori.desk.accounts import totp
from tests.fakes.desk_network import free_port
from tests.fakes.desk_room import MANAGER
from tests.fakes.desk_steps import content
from tests.fakes.staff import PASSWORD
from tests.nvr.desk.test_desk_process import Process

WAIT_SECONDS = 120


class NetworkProcess(Process):
    """A desk process that other machines reach."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.port = free_port()
        text = self.config.read_text(encoding="utf-8")
        self.config.write_text(f'{text}\n[api]\nlisten = "127.0.0.1:{self.port}"\n', encoding="utf-8")

    @property
    def url(self) -> str:
        """Its address."""
        return f"https://127.0.0.1:{self.port}"

    async def until_it_listens(self) -> None:
        """Wait for the port; the certificate is made at the first start."""
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                assert time.monotonic() < deadline, (self.folder / "log").read_text()
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return

    async def ask(self, method: str, path: str, token: str = "", body: Any = None) -> httpx.Response:
        """Call over TLS, trusting the desk's own certificate and nothing else."""
        trusted = ssl.create_default_context(cafile=str(self.folder / "api_certificate.pem"))
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with httpx.AsyncClient(verify=trusted, trust_env=False, timeout=WAIT_SECONDS) as client:
            return await client.request(method, self.url + path, json=body, headers=headers)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[NetworkProcess]:
    """A running desk process, with a recorder."""
    room = NetworkProcess(tmp_path / "room")
    room.recorder.camera_numbers = {"gate": 1}
    try:
        await room.start_recorder()
        await room.start_desk()
        await room.until_it_listens()
        yield room
    finally:
        await room.stop_desk()
        await room.stop_recorder()


def kuramori(session: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run a command as on another machine: no socket, no configuration, a sign-in of its own."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KURAMORI_")}
    environment |= {"KURAMORI_SESSION": str(session), "LC_ALL": "C.UTF-8"}
    command = [sys.executable, "-m", "kuramori.cli", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=WAIT_SECONDS, check=False)


@pytest.mark.slow
async def test_from_the_first_account_to_a_command_elsewhere(
    desk: NetworkProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root gives the first account on the socket; over TLS it is enrolled and used; a restart ends the sign-in."""
    assert content(await desk.ask("GET", "/v1/status"), 401)["code"] == "sign-in-missing"
    start = content(await desk.call("POST", "/v1/users", MANAGER, {"person": MANAGER}), 201)["start_password"]
    signed = content(await desk.ask("POST", "/v1/sign-in", body={"person": MANAGER, "password": start}), 201)
    shown = signed["enrolment"]["authenticator_key"].replace(" ", "")
    key = base64.b32decode(shown + "=" * (-len(shown) % 8))
    code = totp.code_of(key, totp.step_of(time.time_ns() // 1_000_000))
    body = {"new_password": PASSWORD, "code": code, "acknowledged": True}
    made = content(await desk.ask("POST", "/v1/sign-in/enrolment", signed["token"], body), 201)
    session = tmp_path / "elsewhere" / "session.json"
    monkeypatch.setenv("KURAMORI_SESSION", str(session))
    keep_sign_in(desk.url, KeptSignIn(MANAGER, made["token"], made["device"]))
    listed = await asyncio.to_thread(kuramori, session, "--url", desk.url, "user", "list")
    assert (listed.returncode, MANAGER in listed.stdout) == (0, True), listed.stderr
    assert "First visit" in listed.stderr
    again = await asyncio.to_thread(kuramori, session, "--url", desk.url, "register", "--json")
    assert (again.returncode, "First visit" in again.stderr) == (0, False), again.stderr
    await desk.stop_desk()
    await desk.start_desk()
    await desk.until_it_listens()
    ended = await asyncio.to_thread(kuramori, session, "--url", desk.url, "user", "list")
    assert ended.returncode == 1
    assert "kuramori sign-in" in ended.stderr
