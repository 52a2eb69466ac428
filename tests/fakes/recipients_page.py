"""A recipient in front of verify.html: opens it as a file in a real browser, chooses files, reads the answer."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.fakes.chromium import PATIENCE_SECONDS, Browser, Page


class RecipientsPage:
    """The page, open in a tab."""

    def __init__(self, page: Page) -> None:
        self.page = page

    @classmethod
    async def open(cls, browser: Browser, path: Path, language: str = "en") -> "RecipientsPage":
        """Open a page from a file."""
        made = cls(await browser.open(path.as_uri()))
        await made.page.until("document.getElementById('refused').hidden")
        await made.page.evaluate(f"document.getElementById('in-{language}').click()")
        return made

    async def choose(self, field: str, paths: Sequence[Path]) -> None:
        """Choose files in a field: `files`, `folder` (its content, one folder deep) or `clip`."""
        document = await self.page.send("DOM.getDocument")
        node = await self.page.send("DOM.querySelector", nodeId=document["root"]["nodeId"], selector=f"#{field}")
        await self.page.send("DOM.setFileInputFiles", nodeId=node["nodeId"], files=[str(path) for path in paths])

    async def drop(self, zone: str, paths: Sequence[Path]) -> None:
        """Drag files from a file manager into a zone."""
        script = f"JSON.stringify(document.getElementById('{zone}').getBoundingClientRect())"
        place = json.loads(await self.page.evaluate(script))
        data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            await self.page.send("Input.dispatchDragEvent", type=kind, x=place["x"] + 20, y=place["y"] + 20, data=data)

    async def compare(self, fingerprint: str) -> None:
        """Type the fingerprint that stands on the receipt."""
        await self.page.evaluate(f"document.getElementById('compare').value = {json.dumps(fingerprint)}; 0")

    async def verify(self, patience_seconds: float = PATIENCE_SECONDS) -> dict[str, Any]:
        """Press the button; return the answer, as for programs."""
        await self.page.until("!document.getElementById('verify').disabled")
        await self.page.evaluate("document.getElementById('verify').click()")
        await self.page.until("!document.getElementById('result').hidden", patience_seconds)
        found: dict[str, Any] = json.loads(await self.page.evaluate("document.getElementById('report').textContent"))
        shown = await self.page.evaluate("document.getElementById('sentence').textContent")
        assert shown == found["sentence"]
        return found

    async def read_in(self, language: str) -> dict[str, Any]:
        """Change the language; return the same answer in it."""
        await self.page.evaluate(f"document.getElementById('in-{language}').click()")
        found: dict[str, Any] = json.loads(await self.page.evaluate("document.getElementById('report').textContent"))
        return found

    async def close(self) -> None:
        """Close the tab."""
        await self.page.close()
