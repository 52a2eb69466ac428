"""verify.html: one page for any browser that verifies a bundle without network, program or secret.

The same in every bundle: put together from the files in `page/`, with the words of `verdict_words`. Its script and
style run by their digests only, nothing else may run, and no address can be reached (Content Security Policy). Must not
know bundles.
"""

import base64
import json
from functools import cache
from hashlib import sha256
from pathlib import Path

from kuramori.clips.handover_mark import MARK_UUID
from kuramori.clips.verdict_words import FACTS, PAGE, PARTICULARS, VERDICTS, Words
from kuramori.gap_texts import GAP_TEXTS, UNKNOWN_REASON

VERIFY_PAGE = "verify.html"
_FOLDER = Path(__file__).parent / "page"
_SCRIPTS = (
    "bytes.js",
    "sha256.js",
    "signature.js",
    "manifest.js",
    "proof.js",
    "mp4.js",
    "leaves.js",
    "verification.js",
    "telling.js",
    "desk.js",
)


@cache
def verify_page() -> bytes:
    """Return the page."""
    scripts = [(_FOLDER / name).read_text(encoding="utf-8") for name in _SCRIPTS]
    script = "\n".join(['(() => {\n"use strict";', _words(), *scripts, "})();\n"])
    style = (_FOLDER / "page.css").read_text(encoding="utf-8")
    policy = (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    page = (_FOLDER / "page.html").read_text(encoding="utf-8")
    for place, content in (("@POLICY@", policy), ("@STYLE@", style), ("@SCRIPT@", script)):
        page = page.replace(place, content, 1)
    return page.encode()


def _words() -> str:
    """Return the words as a constant of the script; no text in it can end the script."""
    gaps = {reason.name.lower(): (text.english, text.japanese) for reason, text in GAP_TEXTS.items()}
    gaps[""] = (UNKNOWN_REASON.english, UNKNOWN_REASON.japanese)
    tables = {
        "verdicts": _table(VERDICTS),
        "particulars": _table(PARTICULARS),
        "facts": _table(FACTS),
        "page": _table(PAGE),
        "gaps": {name: {"en": english, "ja": japanese} for name, (english, japanese) in gaps.items()},
    }
    text = json.dumps(tables, ensure_ascii=False, indent=1).replace("<", "\\u003c")
    return f"const WORDS = {text};\nconst MARK_UUID = {list(MARK_UUID)};"


def _table(words: dict[str, Words]) -> dict[str, dict[str, str]]:
    return {name: {"en": one.english, "ja": one.japanese} for name, one in words.items()}


def _digest(content: str) -> str:
    return f"sha256-{base64.b64encode(sha256(content.encode()).digest()).decode()}"
