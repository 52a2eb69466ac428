"""Boxes files for the tests, as staff would write them."""

import json
from datetime import UTC, datetime
from typing import Any


def moment(utc_ms: int) -> str:
    """Return a time as the boxes file writes it."""
    seconds, rest = divmod(utc_ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03d}Z"


def point(utc_ms: int, left: float, top: float, width: float, height: float) -> dict[str, Any]:
    """Return one point of a box."""
    return {"at": moment(utc_ms), "left": left, "top": top, "width": width, "height": height}


def document(keep: list[list[dict[str, Any]]], cover: list[list[dict[str, Any]]] | None = None, **more: Any) -> Any:
    """Return a boxes file's content, each box by its points."""
    content: dict[str, Any] = {"kuramori": "boxes", "version": 1, "camera": "gate"}
    content["keep"] = [{"what": "the person who asks", "points": points} for points in keep]
    if cover is not None:
        content["cover"] = [{"points": points} for points in cover]
    return content | more


def file(*args: Any, **more: Any) -> bytes:
    """Return a boxes file."""
    return json.dumps(document(*args, **more)).encode()
