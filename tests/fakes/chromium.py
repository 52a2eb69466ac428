"""A real browser without a window, driven over its DevTools protocol by two pipes: no port is opened, no driver needed.

    async with chromium(tmp_path / "profile") as browser:
        page = await browser.open("https://…")           # or a file:// address
        assert await page.evaluate("document.title") == "…"
        await page.until("document.querySelector('#done') !== null")

Its profile is a folder of the test's own, so that a test can look through what the browser kept.
"""

import asyncio
import contextlib
import json
import os
import shutil
import tempfile
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.peers import require_program

PATIENCE_SECONDS = 100.0
POLL_SECONDS = 0.05
PIPE_LIMIT_BYTES = 256 << 20  # one message: a picture of the page, a download
DIARY_MOST = 1000
OPTIONS = (
    "--headless=new",
    "--remote-debugging-pipe",
    "--no-first-run",
    "--no-default-browser-check",
    "--no-sandbox",  # tests run as root, where its sandbox refuses to start
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--mute-audio",
    "--window-size=1280,900",
)


class PageRefused(AssertionError):
    """The browser did not do what a test asked: its own words."""


@dataclass
class Page:
    """One tab."""

    browser: "Browser"
    target: str
    session: str
    events: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=DIARY_MOST))  # the newest it told

    async def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Ask the browser for something of this tab; return its answer. Raises PageRefused."""
        return await self.browser.send(method, session=self.session, **parameters)

    async def evaluate(self, script: str) -> Any:
        """Return the value of an expression in the page, of a promise once it is kept. Raises PageRefused."""
        found = await self.send(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True, userGesture=True
        )
        if "exceptionDetails" in found:
            raise PageRefused(json.dumps(found["exceptionDetails"], ensure_ascii=False)[:2000])
        return found["result"].get("value")

    async def until(self, script: str, patience_seconds: float = PATIENCE_SECONDS) -> Any:
        """Return the first value of an expression that counts as true. Raises PageRefused after a while."""
        value: Any = None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience_seconds):
                while not (value := await self.evaluate(script)):
                    await asyncio.sleep(POLL_SECONDS)
                return value
        said = [event.get("params") for event in self.events if event["method"] != "Network.dataReceived"][-5:]
        raise PageRefused(f"never true: {script}; last: {value!r}; the page told: {said}"[:4000])

    async def go(self, url: str) -> dict[str, Any]:
        """Lead the tab to an address; return what the browser says of it (`errorText` where it failed)."""
        return await self.send("Page.navigate", url=url)

    def told(self, method: str, fits: Callable[[dict[str, Any]], bool] = bool) -> list[dict[str, Any]]:
        """Return what the browser told of this tab by a method, where it fits."""
        return [event["params"] for event in self.events if event["method"] == method and fits(event["params"])]

    async def close(self) -> None:
        """Close the tab."""
        await self.browser.send("Target.closeTarget", targetId=self.target)


class Browser:
    """The running browser."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._number = 0
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._pages: dict[str, Page] = {}
        self._listening = asyncio.create_task(self._listen())

    async def open(self, url: str = "about:blank") -> Page:
        """Open a tab at an address."""
        target = (await self.send("Target.createTarget", url="about:blank"))["targetId"]
        session = (await self.send("Target.attachToTarget", targetId=target, flatten=True))["sessionId"]
        page = self._pages[session] = Page(self, target, session)
        for room in ("Page", "Runtime", "Network", "Log"):
            await page.send(f"{room}.enable")
        if url != "about:blank":
            await page.go(url)
            await page.until("document.readyState === 'complete'")
        return page

    async def send(self, method: str, session: str = "", **parameters: Any) -> dict[str, Any]:
        """Ask the browser; return its answer. Raises PageRefused."""
        if self._listening.done():
            raise PageRefused("the browser has ended")
        self._number += 1
        number = self._number
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        self._writer.write(json.dumps(message).encode() + b"\0")
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                found = await answer
        except TimeoutError:
            raise PageRefused(f"the browser did not answer {method}") from None
        finally:
            self._waiting.pop(number, None)
        if "error" in found:
            raise PageRefused(f"{method}: {found['error']}")
        result: dict[str, Any] = found["result"]
        return result

    async def end(self) -> None:
        """Ask it to close, as a person would, so that it writes what it wants to keep."""
        with contextlib.suppress(PageRefused):
            await self.send("Browser.close")

    async def stop_listening(self) -> None:
        """Listen no more."""
        self._listening.cancel()
        await asyncio.wait([self._listening])
        self._writer.close()

    async def _listen(self) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                message = json.loads((await self._reader.readuntil(b"\0"))[:-1])
                if "id" in message:
                    waiting = self._waiting.get(message["id"])
                    if waiting is not None and not waiting.done():
                        waiting.set_result(message)
                elif (page := self._pages.get(message.get("sessionId", ""))) is not None:
                    page.events.append(message)
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_result({"error": "the browser has ended"})


@contextlib.asynccontextmanager
async def chromium(profile: Path, *more: str) -> AsyncIterator[Browser]:
    """Start the browser with a profile of its own; end it. Skips, or fails where peers are required."""
    program = require_program("chromium")
    profile.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix="cr-"))  # a socket lies in it: pytest's own paths are too long for one
    process = await asyncio.create_subprocess_exec(
        *("/bin/sh", "-c", 'exec "$@" 3<&0 4>&1 </dev/null >/dev/null', "sh"),
        *(program, *OPTIONS, f"--user-data-dir={profile}", *more, "about:blank"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={"HOME": str(profile), "PATH": os.environ.get("PATH", ""), "TMPDIR": str(temporary), "LANG": "C.UTF-8"},
        start_new_session=True,
        limit=PIPE_LIMIT_BYTES,
    )
    if process.stdin is None or process.stdout is None:
        raise PageRefused("it has no pipes")
    browser = Browser(process.stdout, process.stdin)
    try:
        yield browser
    finally:
        await browser.end()
        try:
            await asyncio.wait_for(process.wait(), PATIENCE_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()
        await browser.stop_listening()
        _keep(temporary, profile / "temporary")


def _keep(temporary: Path, place: Path) -> None:
    """Leave with the profile what the browser left elsewhere, so that a test finds that too."""
    place.mkdir(exist_ok=True)
    for number, file in enumerate(path for path in temporary.rglob("*") if path.is_file() and not path.is_symlink()):
        shutil.copyfile(file, place / f"{number}-{file.name}")
    shutil.rmtree(temporary, ignore_errors=True)
