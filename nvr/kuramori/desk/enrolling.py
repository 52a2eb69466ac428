"""Takes cameras into service over the API: tried, registered, written down, and the service told; no shell needed.

The desk writes its own file only (kuramori_config.enrolled), never the operator's. It asks addresses in the cameras'
networks only, so that nobody can look around elsewhere through it. Must not know HTTP or video.
"""

import asyncio
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kuramori.camera_trial import Trial, TrialFailed, certificate_shown, has_known_authority, try_camera
from kuramori.configuration_change import ChangeRefused, ConfigurationFile, changing
from kuramori.desk.camera_book import CameraLife
from kuramori.desk.camera_care import CameraCare
from kuramori.desk.camera_steps import EnrolledBy
from kuramori.desk.enrolling_fault import (
    BeyondLocalNetwork,
    CameraExists,
    CameraTrialFailed,
    CameraUnsound,
    CertificateUnknown,
)
from kuramori.desk.fault import RequestInvalid
from kuramori.desk.journal import Actor
from kuramori.desk.site import Site, SiteCamera
from kuramori.enrolment_values import learnt, reached
from kuramori.local_source import resolve
from kuramori.running_service import Told, tell_to_reload
from kuramori_config.addresses import CameraAddress, may_travel_unencrypted
from kuramori_config.editing import with_camera
from kuramori_config.enrolled import ENROLLED_SECRET_PREFIX, ENROLLED_SECRETS_NAME
from kuramori_config.faults import ConfigurationFault
from kuramori_config.load import load_configuration
from kuramori_config.schema import Configuration

USUAL_RETENTION = "14 days"
TRIALS_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class NewCamera:
    """A camera as an installer names it. `fingerprint`: 64 hexadecimal digits, or "" where none is known."""

    name: str
    place: str
    address: str
    user: str | None = None
    password: str = field(default="", repr=False)
    retention: str = ""  # "": as the site's other cameras
    profile: str | None = None
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What came of it."""

    camera: SiteCamera
    life: CameraLife
    trial: Trial
    retention: str
    told: Told


class Enrolling:
    """Tries cameras and takes them into service. One change of the configuration at a time."""

    def __init__(self, configuration_path: Path, site: Site, care: CameraCare) -> None:
        self._path = configuration_path
        self._site = site
        self._care = care
        self._trials = asyncio.Semaphore(TRIALS_AT_ONCE)
        self._change = asyncio.Lock()

    async def try_out(self, wish: NewCamera) -> Trial:
        """Ask a camera what it is and offers; nothing is changed. Raises DeskFault."""
        configuration = await self._configuration()
        _, draft = await asyncio.to_thread(self._drafted, wish, configuration)
        return (await self._tried(wish, _address(draft, wish.name), configuration))[0]

    async def take(self, wish: NewCamera, actor: Actor, *, decides: bool) -> Enrolled:
        """Try the camera, register it, write it down, have the service read it. Raises DeskFault."""
        async with self._change:
            configuration = await self._configuration()
            kept = _kept(wish.retention, configuration, decides=decides)
            table, draft = await asyncio.to_thread(self._drafted, wish, configuration)
            trial, pinned = await self._tried(wish, _address(draft, wish.name), configuration)
            table |= learnt(trial, wish.profile, pinned) | kept
            await asyncio.to_thread(self._written, table, None)  # what can be refused, before anything is registered
            camera = SiteCamera(wish.name, wish.place, wish.address)
            life = await self._care.enrol(camera, EnrolledBy.ADDED, actor, new_count=decides)
            written = await asyncio.to_thread(self._written, table, wish.password)
            told = await asyncio.to_thread(tell_to_reload, written.storage.runtime_directory)
            return Enrolled(camera, life, trial, kept["retention"], told)

    async def _configuration(self) -> Configuration:
        try:
            return await asyncio.to_thread(load_configuration, self._path)
        except ConfigurationFault as fault:
            raise CameraUnsound(str(fault)) from None

    def _drafted(self, wish: NewCamera, configuration: Configuration) -> tuple[dict[str, Any], Configuration]:
        """Return the camera's table and the configuration with it, as far as the camera is not needed for it."""
        taken = {one.name for one in configuration.cameras} | {one.name for one in configuration.retired_cameras}
        life = self._care.book.of(wish.name)
        if wish.name in taken or (life is not None and life.retired_utc_ms is not None):
            raise CameraExists(wish.name)
        named = {"name": wish.name, "place": wish.place, "retention": wish.retention or USUAL_RETENTION}
        table = named | reached(wish.address, wish.user, wish.name if wish.user is not None else None)
        return table, self._written(table, None)

    def _written(self, table: dict[str, Any], password: str | None) -> Configuration:
        """Write secret and table, or with None for the password only try it. Raises CameraUnsound. Blocking."""
        try:
            with changing(self._path) as file, ExitStack() as undo:
                file.turn_to_enrolled()
                return _put(file, dict(table), password, undo)
        except (ConfigurationFault, ChangeRefused) as refused:
            raise CameraUnsound(str(refused)) from None

    async def _tried(self, wish: NewCamera, address: CameraAddress, configuration: Configuration) -> tuple[Trial, str]:
        """Ask the camera; return what it said and the certificate that is to be pinned, "" where none is."""
        await _require_local(address, configuration)
        async with self._trials:
            try:
                pinned = await _trusted(address, wish.fingerprint)
                trial = await try_camera(address, wish.user, wish.password, pinned, wish.profile)
            except TrialFailed as failed:
                raise CameraTrialFailed(str(failed)) from None
        return trial, pinned


def _put(file: ConfigurationFile, table: dict[str, Any], password: str | None, undo: ExitStack) -> Configuration:
    if table.get("password") is not None:
        secret = file.new_secret(ENROLLED_SECRET_PREFIX + str(table["name"]))
        table |= {"password": secret.name, "secrets_directory": ENROLLED_SECRETS_NAME}
        if password is not None:
            undo.callback(file.drop_secret, secret.name)
            file.write_secret(secret, password)
    values = {key: value for key, value in table.items() if value is not None}
    if password is None:
        return file.try_edit(lambda text: with_camera(text, values))
    written = file.apply(lambda text: with_camera(text, values))
    undo.pop_all()
    return written


def _kept(wanted: str, configuration: Configuration, *, decides: bool) -> dict[str, str]:
    """Return how long to keep, as another camera of the site does. Who does not decide may name nothing else."""
    alike = [one for one in configuration.cameras if wanted in ("", str(one.retention))]
    if alike:
        return {"retention": str(alike[0].retention), "floor": str(alike[0].floor)}
    if not decides and wanted:
        raise RequestInvalid(
            "retention",
            "how long pictures are kept is decided by the manager; leave it out.",
            "保存期間は管理責任者が定めます。指定しないでください。",
        )
    return {"retention": wanted or USUAL_RETENTION}


def _address(configuration: Configuration, name: str) -> CameraAddress:
    table = configuration.camera_named(name)
    address = (table.onvif or table.rtsp) if table is not None else None
    if address is None:
        raise RequestInvalid("address", "an address is needed.", "アドレスを指定してください。")
    return address


async def _require_local(address: CameraAddress, configuration: Configuration) -> None:
    network = configuration.network
    try:
        found = await resolve(address.host, address.port or 0)
    except OSError:
        raise CameraTrialFailed(f"The name {address.host} is not known.") from None
    if not all(may_travel_unencrypted(ip, network.local_networks, network.vpn) for ip in found):
        raise BeyondLocalNetwork


async def _trusted(address: CameraAddress, named: str) -> str:
    """Return the certificate to know the camera by, "" where an authority vouches. Raises CertificateUnknown."""
    if not address.encrypted or named:
        return named if address.encrypted else ""
    shown = await certificate_shown(address)
    if await has_known_authority(address):
        return ""
    raise CertificateUnknown(shown)
