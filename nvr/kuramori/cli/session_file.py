"""What desks leave on this machine, in one private file: a sign-in's token and this machine's own secret per desk, and
the certificates by which desks on other machines are known.

`~/.config/kuramori/session.json`, or KURAMORI_SESSION; mode 0600. Runs on custodians' machines too. Must not know HTTP.
"""

import base64
import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

MOST_BYTES = 65536
PRIVATE = 0o600
PINS = "certificates"  # no desk is called so: desks are paths and addresses


@dataclass(frozen=True, slots=True)
class KeptSignIn:
    """One desk's. `device` is good for this person only."""

    person: str
    token: str = field(repr=False)
    device: str = field(repr=False)


def session_path() -> Path:
    """Return where sign-ins are kept."""
    named = os.environ.get("KURAMORI_SESSION")
    return Path(named) if named else Path.home() / ".config" / "kuramori" / "session.json"


def kept_sign_in(desk: str) -> KeptSignIn | None:
    """Return what is kept for a desk; None where there is nothing that can be read."""
    with suppress(KeyError, TypeError):
        return KeptSignIn(**_read()[desk])
    return None


def keep_sign_in(desk: str, signed: KeptSignIn) -> None:
    """Keep it, in place of what was there for this desk. Raises OSError."""
    _write({**_read(), desk: asdict(signed)})


def _write(document: dict[str, dict[str, str]]) -> None:
    path = session_path()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    interim = path.with_suffix(".new")
    interim.unlink(missing_ok=True)
    descriptor = os.open(interim, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(document, file)
    interim.replace(path)


def kept_pin(desk: str) -> bytes | None:
    """Return the certificate (DER) by which a desk on another machine is known; None before the first visit."""
    found = _read().get(PINS, {}).get(desk)
    try:
        return base64.b64decode(found, validate=True) if isinstance(found, str) else None
    except ValueError:
        return None


def keep_pin(desk: str, certificate: bytes) -> None:
    """Keep it, in place of what was there for this desk. Raises OSError."""
    document = _read()
    _write({**document, PINS: {**document.get(PINS, {}), desk: base64.b64encode(certificate).decode("ascii")}})


def _read() -> dict[str, dict[str, str]]:
    try:
        with session_path().open("rb") as file:
            document = json.loads(file.read(MOST_BYTES))
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}
