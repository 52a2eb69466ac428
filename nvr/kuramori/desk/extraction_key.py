"""The one-time key of a request, on the handler's machine: custodians seal their shares to it.

Made when the request is filed, kept in a file that only the handler can read, good for this one request. The desk
sees the public half only. Imports nothing that exists on Linux only; must not know requests.
"""

import base64
import binascii
import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

KIND = "extraction key"
VERSION = 1
FILE_LIMIT_BYTES = 4096
KEY_BYTES = 32
_OTHERS = 0o077


class ExtractionKeyFault(Exception):
    """The key file cannot be made or used; `reason` is stable: exists, unreadable, open-to-others."""

    def __init__(self, reason: str, path: Path, english: str, japanese: str) -> None:
        super().__init__(english)
        self.reason = reason
        self.path = path
        self.english = english
        self.japanese = japanese


@dataclass(frozen=True, slots=True)
class ExtractionKey:
    """A one-time X25519 key. `private_bytes` is secret."""

    private_bytes: bytes = field(repr=False)

    @classmethod
    def new(cls) -> "ExtractionKey":
        """Make a key."""
        return cls(X25519PrivateKey.generate().private_bytes_raw())

    @property
    def public_bytes(self) -> bytes:
        """The half that goes into the request (32 bytes)."""
        return X25519PrivateKey.from_private_bytes(self.private_bytes).public_key().public_bytes_raw()


def write_key(path: Path, key: ExtractionKey) -> None:
    """Write a key into a new file, mode 0600. Raises ExtractionKeyFault; nothing is ever overwritten."""
    document = {"kuramori": KIND, "version": VERSION, "private": base64.b64encode(key.private_bytes).decode("ascii")}
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise ExtractionKeyFault(
            "exists",
            path,
            f"{path} exists already: each request has its own key, choose another name.",
            f"{path} は既に存在します。請求ごとに別の鍵ファイルを指定してください。",
        ) from None
    except OSError as error:
        raise _unreadable(path, error.strerror or "") from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(json.dumps(document).encode("ascii") + b"\n")
        file.flush()
        os.fsync(file.fileno())


def read_key(path: Path) -> ExtractionKey:
    """Read a key file. Raises ExtractionKeyFault, also where others than the owner could read it."""
    try:
        with path.open("rb") as file:
            if os.name == "posix" and os.fstat(file.fileno()).st_mode & _OTHERS:
                raise ExtractionKeyFault(
                    "open-to-others",
                    path,
                    f"{path} can be read by others: set its mode to 0600.",
                    f"{path} が他の利用者から読める状態です。権限を0600にしてください。",
                )
            content = file.read(FILE_LIMIT_BYTES)
    except OSError as error:
        raise _unreadable(path, error.strerror or "") from None
    try:
        document = json.loads(content)
        fits = document["kuramori"] == KIND and document["version"] == VERSION
        private = base64.b64decode(document["private"], validate=True)
    except (ValueError, KeyError, TypeError, RecursionError, binascii.Error):
        fits, private = False, b""
    if not fits or len(private) != KEY_BYTES:
        raise ExtractionKeyFault(
            "unreadable", path, f"{path} is not an extraction key.", f"{path} は抽出鍵のファイルではありません。"
        )
    return ExtractionKey(private)


def _unreadable(path: Path, detail: str) -> ExtractionKeyFault:
    return ExtractionKeyFault(
        "unreadable",
        path,
        f"The extraction key {path} cannot be used ({detail}).",
        f"抽出鍵 {path} を使えません({detail})。",
    )
