"""What a custodian's client remembers of each recorder: keys, camera names, entries it acted on, the newest checkpoint.

This is what makes the register honest: a recorder that shows another key, renames a camera, or shows a register
that does not contain what it showed before, is refused. At the first meeting the keys are taken as they come and
their fingerprint is shown to be compared. Imports nothing that exists on Linux only; must not know requests.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from kuramori.cli.client import CommandFailure
from kuramori.desk.merkle_log import leaf_hash, verify_consistency
from kuramori.desk.register_entry import Entry
from kuramori.desk.signed_note import Checkpoint, NoteInvalid, NoteVerifier, open_checkpoint
from kuramori.texts import tr

FILE_LIMIT_BYTES = 4 * 1024 * 1024
ENTRIES_MOST = 2000  # of one recorder; the oldest are forgotten first
FINGERPRINT_BYTES = 16


class TrustBroken(CommandFailure):
    """The recorder is not, or its register does not hold, what this client saw before. Tell the manager."""


class RegisterRewritten(TrustBroken):
    """The register is not the one that was seen before, grown: entries were changed or removed."""

    def __init__(self, entries_then: int, entries_now: int) -> None:
        super().__init__(
            tr(
                f"The register no longer contains what it showed before ({entries_then} entries then, {entries_now} "
                "now): entries were changed or removed. Nothing is approved; tell the manager.",
                f"記録簿が以前の内容を含んでいません(以前 {entries_then} 件、現在 {entries_now} 件)。"
                "改変又は削除の疑いがあります。承認しません。管理責任者に連絡してください。",
            )
        )


@dataclass(frozen=True, slots=True)
class Acquaintance:
    """One recorder as this client knows it."""

    recorder_id: str
    site: str
    device_key: str  # SPKI DER, base64
    verifier: str  # of the register's checkpoints
    checkpoint: str = ""  # signed note; empty before the first
    cameras: dict[str, str] = field(default_factory=dict)  # number -> name
    entries: dict[str, str] = field(default_factory=dict)  # kind and request -> index:leaf hash, proven when shown

    def with_entry(self, entry: bytes) -> "Acquaintance":
        """Return the same, with an entry that was proven. It must be one that Entry.parse takes."""
        found = Entry.parse(entry)
        noted = {name: value for name, value in self.entries.items() if name != f"{found.kind} {found.request}"}
        return replace(
            self, entries=noted | {f"{found.kind} {found.request}": f"{found.index}:{leaf_hash(entry).hex()}"}
        )

    @property
    def fingerprint(self) -> str:
        """Eight groups to compare by voice: both keys of the recorder."""
        digest = hashlib.sha256(f"{self.device_key}\0{self.verifier}".encode()).digest()[:FINGERPRINT_BYTES].hex()
        return " ".join(digest[start : start + 4] for start in range(0, len(digest), 4))

    @property
    def camera_names(self) -> dict[int, str]:
        """Camera numbers and the names they had so far."""
        return {int(number): name for number, name in self.cameras.items()}


class Notebook:
    """The file that remembers. Small, of the person; holds no secret."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def known(self, recorder_id: str) -> Acquaintance | None:
        """Return a recorder that was met before. Raises CommandFailure where the file cannot be read."""
        value = self._read().get(recorder_id)
        if value is None:
            return None
        try:
            return Acquaintance(**value)
        except TypeError as error:
            raise self._damaged() from error

    def remember(self, one: Acquaintance) -> None:
        """Note a recorder, replacing what was known. Raises CommandFailure."""
        document = self._read()
        document[one.recorder_id] = {
            "recorder_id": one.recorder_id,
            "site": one.site,
            "device_key": one.device_key,
            "verifier": one.verifier,
            "checkpoint": one.checkpoint,
            "cameras": one.cameras,
            "entries": dict(list(one.entries.items())[-ENTRIES_MOST:]),
        }
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("wb", dir=self._path.parent, delete=False) as interim:
                interim.write(json.dumps(document, ensure_ascii=False, indent=1).encode("utf-8"))
                interim.flush()
                os.fsync(interim.fileno())
            Path(interim.name).replace(self._path)
        except OSError as error:
            raise CommandFailure(
                tr(
                    f"The notebook {self._path} cannot be written ({error.strerror}).",
                    f"控え {self._path} を書けません({error.strerror})。",
                )
            ) from error

    def _read(self) -> dict[str, Any]:
        try:
            with self._path.open("rb") as file:
                document = json.loads(file.read(FILE_LIMIT_BYTES))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise self._damaged() from error
        if not isinstance(document, dict):
            raise self._damaged()
        return document

    def _damaged(self) -> CommandFailure:
        return CommandFailure(
            tr(
                f"The notebook {self._path} cannot be read: restore it from a copy, or move it away and compare the "
                "fingerprint anew.",
                f"控え {self._path} を読めません。複製から復元するか、移動したうえで指紋を改めて照合してください。",
            )
        )


def usual_notebook() -> Path:
    """Return where the notebook of this person lies (KURAMORI_NOTEBOOK, else the state folder of the account)."""
    if named := os.environ.get("KURAMORI_NOTEBOOK"):
        return Path(named)
    state = os.environ.get("XDG_STATE_HOME") or os.environ.get("LOCALAPPDATA")
    return (Path(state) if state else Path.home() / ".local" / "state") / "kuramori" / "recorders.json"


def compare(met: Acquaintance, known: Acquaintance | None) -> bool:
    """Tell whether this is the first meeting. Raises TrustBroken where a key is another than before."""
    if known is None:
        return True
    if (met.device_key, met.verifier) != (known.device_key, known.verifier):
        raise TrustBroken(
            tr(
                f"The recorder {met.site} shows other keys than before (now {met.fingerprint}): nothing is approved. "
                "Tell the manager.",
                f"録画機 {met.site} の鍵が以前と異なります(現在 {met.fingerprint})。承認しません。"
                "管理責任者に連絡してください。",
            )
        )
    return False


def follow(known: str, shown: str, verifier_text: str, proof: Callable[[int, int], list[bytes]]) -> Checkpoint:
    """Return the checkpoint that is shown, proven to contain the known one (empty: none).

    `proof(old_size, size)` asks the desk for the consistency proof. Raises TrustBroken.
    """
    try:
        verifier = NoteVerifier.parse(verifier_text)
        new = open_checkpoint(shown, verifier)
        old = open_checkpoint(known, verifier) if known else None
    except NoteInvalid as error:
        raise TrustBroken(
            tr(f"The register's checkpoint is not valid ({error}).", f"記録簿の署名を確認できません({error})。")
        ) from error
    if old is None:
        return new
    contained = old.size <= new.size and verify_consistency(
        old.size, old.root, new.size, new.root, proof(old.size, new.size) if 0 < old.size < new.size else []
    )
    if not contained:
        raise RegisterRewritten(old.size, new.size)
    return new
