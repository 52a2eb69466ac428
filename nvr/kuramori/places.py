"""Where everything of a recorder lies, from its configuration. Names of files are said here and nowhere else.

`kuramori init` makes these places, the three processes open them. This module must not open anything.
"""

from dataclasses import dataclass
from pathlib import Path

from kuramori_config.enrolled import ENROLLED_NAME, ENROLLED_SECRETS_NAME
from kuramori_config.schema import CellKind, Configuration


@dataclass(frozen=True, slots=True)
class Places:
    """Every path that a process needs."""

    state: Path
    runtime: Path
    secrets: Path
    volumes: tuple[Path, ...]
    cell: Path | None  # folder of the erasable cell; None: it is in a TPM
    fallback_cell: Path | None
    ledger_mirror: Path | None

    @classmethod
    def of(cls, configuration: Configuration) -> "Places":
        """Return the places that a configuration names."""
        storage = configuration.storage
        return cls(
            state=storage.state_directory,
            runtime=storage.runtime_directory,
            secrets=storage.secrets_directory,
            volumes=tuple(volume.path for volume in configuration.volumes),
            cell=configuration.keystore.cell_directory if configuration.keystore.cell is CellKind.FILE else None,
            fallback_cell=configuration.keystore.fallback_cell_directory,
            ledger_mirror=storage.ledger_mirror,
        )

    # ---- in the state directory --------------------------------------------------------------------------------

    @property
    def identity(self) -> Path:
        """Who this recorder is. Made last: without it nothing is set up."""
        return self.state / "identity.json"

    @property
    def device_key(self) -> Path:
        """The P-256 key that signs footers and manifests: PKCS #8, PEM, mode 0600."""
        return self.state / "device_key.pem"

    @property
    def device_certificate(self) -> Path:
        """The self-signed certificate of the device key, PEM."""
        return self.state / "device_certificate.pem"

    @property
    def custodians(self) -> Path:
        """The custodian set in use."""
        return self.state / "custodians.json"

    @property
    def custodian_chain(self) -> Path:
        """How the custodian set in use came to be: each set signed by custodians of the one before."""
        return self.state / "custodian_chain.json"

    @property
    def custody(self) -> Path:
        """Proposed changes of custodians, drills, and what was handed on to new custodians (desk)."""
        return self.state / "custody.db"

    @property
    def ledger(self) -> Path:
        """The ledger."""
        return self.state / "ledger.db"

    @property
    def keystore(self) -> Path:
        """Folder of the encrypted epoch keys."""
        return self.state / "keystore"

    @property
    def fallback_keystore(self) -> Path:
        """Folder of the epoch keys that were made while the cell of `keystore` could not be reached."""
        return self.state / "keystore-fallback"

    @property
    def tpm_password(self) -> Path:
        """What keeps other programs from the recorder's indices in the TPM. Mode 0600."""
        return self.state / "tpm_password"

    @property
    def register(self) -> Path:
        """The register (desk)."""
        return self.state / "register.db"

    @property
    def register_key(self) -> Path:
        """The key that signs the register's checkpoints (desk)."""
        return self.state / "register_key.pem"

    @property
    def requests(self) -> Path:
        """Requests and approvals (desk)."""
        return self.state / "requests.db"

    @property
    def accounts(self) -> Path:
        """Who may sign in (desk)."""
        return self.state / "accounts.db"

    @property
    def enrolled_cameras(self) -> Path:
        """The cameras taken into service at the desk (kuramori_config.enrolled)."""
        return self.state / ENROLLED_NAME

    @property
    def enrolled_secrets(self) -> Path:
        """The passwords of these cameras, one file each."""
        return self.state / ENROLLED_SECRETS_NAME

    @property
    def api_key(self) -> Path:
        """The key of the desk's own TLS certificate, mode 0600."""
        return self.state / "api_key.pem"

    @property
    def api_certificate(self) -> Path:
        """The desk's own TLS certificate, where none is configured."""
        return self.state / "api_certificate.pem"

    @property
    def streams(self) -> Path:
        """Last known stream address per ONVIF camera; no secrets."""
        return self.state / "streams.json"

    @property
    def camera_facts(self) -> Path:
        """What the door last told of each camera; no secrets, nothing of motion."""
        return self.state / "camera_facts.json"

    @property
    def pauses(self) -> Path:
        """Which cameras are paused for maintenance, by whom and until when."""
        return self.state / "pauses.json"

    @property
    def sign_ins(self) -> Path:
        """Which cameras refused the password, and when each is tried again; no secrets; may be lost."""
        return self.state / "sign_ins.json"

    @property
    def acquaintances(self) -> Path:
        """Identity and last address of each ONVIF camera that the door has met; no secrets."""
        return self.state / "acquaintances.json"

    @property
    def door_certificates(self) -> Path:
        """By which certificate the door knows each camera that is asked over https; no secrets."""
        return self.state / "door_certificates.json"

    @property
    def stream_certificates(self) -> Path:
        """By which certificate the recorder knows each camera that streams over rtsps; no secrets."""
        return self.state / "stream_certificates.json"

    @property
    def numbering(self) -> Path:
        """Where cameras' counting goes on at the least; there only where the recorder was restored."""
        return self.state / "numbering.json"

    @property
    def media(self) -> Path:
        """Which volumes are retired, and which may be away by permission (recorder)."""
        return self.state / "media.json"

    @property
    def storage_health(self) -> Path:
        """What is remembered of each medium's health (recorder); may be lost."""
        return self.state / "storage_health.json"

    @property
    def backup_snapshot(self) -> Path:
        """Folder of copies that stand there while a backup is made."""
        return self.state / "backup-snapshot"

    @property
    def restoring(self) -> Path:
        """Folder of what a restore has read and not yet put in its place."""
        return self.state / "restoring"

    @property
    def scrub(self) -> Path:
        """Folder that says when each segment was last read back; may be lost."""
        return self.state / "scrub"

    @property
    def spool(self) -> Path:
        """Folder of encrypted bundles on their way to a client (desk)."""
        return self.state / "spool"

    @property
    def mail(self) -> Path:
        """Mails that wait, and what has been told by mail (messenger)."""
        return self.state / "mail.json"

    @property
    def unfinished(self) -> Path:
        """Says that a set-up began and did not end, and what it began to make."""
        return self.state / "setup-unfinished.json"

    # ---- in the runtime directory ------------------------------------------------------------------------------

    @property
    def recorder_socket(self) -> Path:
        """Where the recorder answers."""
        return self.runtime / "recorder.sock"

    @property
    def door_socket(self) -> Path:
        """Where the door answers."""
        return self.runtime / "door.sock"

    @property
    def desk_socket(self) -> Path:
        """Where the desk serves HTTP."""
        return self.runtime / "desk.sock"
