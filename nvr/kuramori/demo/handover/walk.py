"""What the acts of the walk-through share: the scene, the office, and the steps of one request through the API.

What a person does on the own machine (keys, putting shares together, writing to a medium) happens here as it does
there: with the functions of the clients, never with the recorder's files. It must not know any case.
"""

import base64
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kuramori.cli.approve import meet, package_of, review_package
from kuramori.cli.bundle_folder import write_bundle
from kuramori.cli.notebook import Notebook
from kuramori.demo.cast import Custodian
from kuramori.demo.handover.office import Asking, Office
from kuramori.demo.handover.people import Staff
from kuramori.demo.narrator import Narrator
from kuramori.demo.scene import Scene
from kuramori.demo.stage import StepFailed
from kuramori.desk.combining import combine_shares
from kuramori.desk.extraction_key import ExtractionKey
from kuramori.desk.package import approve
from kuramori.texts import tr
from kuramori_segments.custodian_key import open_key_file


@dataclass(slots=True)
class Case:
    """One request on its way, and the extraction key that never leaves the handler's machine."""

    number: str
    key: ExtractionKey = field(repr=False)
    manifest_digest: str = ""

    def path(self, resource: str = "") -> str:
        """Return where it is found on the API."""
        return f"/v1/requests/{self.number}/{resource}".rstrip("/")


@dataclass(slots=True)
class Walk:
    """Everything that one act leaves for the next."""

    scene: Scene
    people: Staff
    office: Office
    cases: dict[str, Case] = field(default_factory=dict)

    @property
    def narrator(self) -> Narrator:
        """Who tells the story."""
        return self.scene.narrator

    # ---- one request -------------------------------------------------------------------------------------------

    def wish(self, recipient: Mapping[str, str], purpose: str, **more: Any) -> dict[str, Any]:
        """Return a request for the chosen seconds of the first camera, without its key."""
        return {
            "cameras": [self.scene.cameras[0].name],
            "from_utc_ms": self.scene.from_utc_ms,
            "to_utc_ms": self.scene.to_utc_ms,
            "recipient": dict(recipient),
            "purpose": purpose,
            "witnesses": [self.people.witness],
            **more,
        }

    def file(self, name: str, wish: Mapping[str, Any]) -> Case:
        """File a request as the handler; its minutes are held from now on. Raises StepFailed."""
        key = ExtractionKey.new()
        filed = self.office.post(
            self.people.handler, "/v1/requests", {**wish, "extraction_key": text(key.public_bytes)}
        )
        case = self.cases[name] = Case(filed["request_id"], key)
        self.narrator.good(tr(f"Request {case.number}, minutes held.", f"請求 {case.number}。該当時間を保存しました。"))
        return case

    def decide(self, case: Case, reason: str, outcome: str = "granted", **more: Any) -> Any:
        """Let the manager decide in writing. Raises StepFailed."""
        body = {"outcome": outcome, "reason": reason, **more}
        return self.office.post(self.people.manager, case.path("decision"), body)

    def approve(self, case: Case, custodian: Custodian) -> int:
        """Let a custodian check and approve on the own machine; return how many are still missing."""
        asking: Any = Asking(self.office, custodian.name)
        notebook = Notebook(custodian.folder / "notebook.json")
        met, _ = meet(asking, notebook)
        own = open_key_file(custodian.key_file.read_bytes(), custodian.passphrase)
        found = asking.get_json(case.path("package"), {"custodian": own.custodian_id.hex()})
        reviewed, _ = review_package(asking, package_of(found), met, False)
        approval, signature = approve(reviewed, own, time.time_ns() // 1_000_000)
        body = {"approval": text(approval.to_bytes()), "signature": text(signature)}
        return int(self.office.post(custodian.name, case.path("approvals"), body)["missing_approvals"])

    def approved_by_two(self, case: Case) -> None:
        """Let the first two custodians approve. Raises StepFailed."""
        missing = [self.approve(case, custodian) for custodian in self.scene.custodians[:2]]
        if missing[-1] != 0:
            raise StepFailed(tr("Approvals are missing.", "承認が不足しています。"))

    def keys(self, case: Case) -> dict[str, str]:
        """Put the shares together on the handler's machine; return the key of each granted segment."""
        found = self.office.get(self.people.handler, case.path("shares"))
        approvals = [base64.b64decode(one) for one in found["approvals"]]
        deks = combine_shares(base64.b64decode(found["granted"]), approvals, case.key)
        return {uid.hex(): text(dek) for uid, dek in deks.items()}

    def present(self, case: Case, act: str = "release") -> None:
        """Let the second member of staff confirm being present, by the own sign-in. Raises StepFailed."""
        self.office.post(self.people.witness, case.path("presence"), {"act": act})

    def take(self, case: Case, folder: Path) -> None:
        """Open the request and write the bundle onto a medium, read back and registered. Raises StepFailed."""
        self.present(case)
        body = {"deks": self.keys(case), "present": [self.people.witness]}
        self._take(case, folder, body)

    def take_waiting(self, case: Case, folder: Path) -> None:
        """Take a bundle that waits. Raises StepFailed."""
        self._take(case, folder, None)

    def _take(self, case: Case, folder: Path, body: Mapping[str, Any] | None) -> None:
        with self.office.download(self.people.handler, case.path("bundle"), body) as (digest, pieces):
            write_bundle(pieces, folder, bytes.fromhex(digest))
        case.manifest_digest = digest
        report = {"manifest_digest": digest, "medium": folder.name}
        self.office.post(self.people.handler, case.path("written"), report)
        self.narrator.good(tr(f"The bundle: {folder}", f"提供データ: {folder}"))

    def returned(self, case: Case, told_by: str, how: str = "erased") -> None:
        """Note that the recipient erased the pictures. Raises StepFailed."""
        body = {"how": how, "on_utc_ms": time.time_ns() // 1_000_000, "told_by": told_by}
        self.office.post(self.people.handler, case.path("returned"), body)


def text(content: bytes) -> str:
    """Return bytes as they stand in JSON."""
    return base64.b64encode(content).decode("ascii")
