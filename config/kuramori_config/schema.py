"""The configuration file as one typed value: every table, every key, its meaning, its limits.

Code receives these values, never the file. What one value must look like is said in `values`; what several keys must
be together is in `consistency`. Secrets are never in the file: `password` holds a secret's name. This file must not
read files, resolve names or look at the machine.
"""

from enum import StrEnum
from pathlib import Path

from kuramori_config.addresses import NETWORK_SHAPE
from kuramori_config.api_table import Api
from kuramori_config.base_table import Table
from kuramori_config.camera_table import Camera as Camera
from kuramori_config.camera_table import Transport as Transport
from kuramori_config.faults import Wording
from kuramori_config.keystore_table import CellKind as CellKind
from kuramori_config.keystore_table import Keystore
from kuramori_config.mail_table import Mail
from kuramori_config.option import NAMES, PATH, TEXT, number_shape, option, table
from kuramori_config.papers_table import Papers
from kuramori_config.quantities import SIZE_SHAPE, Size
from kuramori_config.requests_table import Requests
from kuramori_config.rules import RuleSet
from kuramori_config.values import (
    LISTEN,
    ZONE,
    Amount,
    Count,
    ListenAddress,
    LocalNetwork,
    Location,
    Number,
    Text,
    TimeZone,
    VolumeSize,
)
from kuramori_config.written_acts import Decision as Decision
from kuramori_config.written_acts import RetiredCamera as RetiredCamera

_MORE_PEOPLE = """
[[person]]
name = "Suzuki Ichiro"
title = "Deputy head of the Crime Prevention Section"
roles = ["deputy"]

[[person]]
name = "Tanaka Yuki"
title = "Crime Prevention Section"
roles = ["handler"]"""

SHARES_MOST = 16  # the segment header has room for sixteen sealed shares


class Role(StrEnum):
    """What a person may do; a person can have several roles."""

    MANAGER = "manager"
    DEPUTY = "deputy"
    HANDLER = "handler"
    ADMINISTRATOR = "administrator"
    INSTALLER = "installer"
    AUDITOR = "auditor"
    CUSTODIAN = "custodian"


class Site(Table):
    """Who films where, why and under which rules: facts that the rules require in writing."""

    name: Text = option(
        "What the site is called; printed on certificates, notices and manifests.",
        shape=TEXT,
        example='"Kita school route"',
    )
    purpose: Text = option(
        "Why there are cameras. Stands in the rule book and on the notice beside each camera.",
        shape=TEXT,
        example='"Safety of children on their way to school"',
    )
    installer: Text = option(
        "Who installed the cameras and answers for them: the body, not the contractor.",
        shape=TEXT,
        example='"Kita City, Crime Prevention Section"',
    )
    contact: Text = option(
        "Where the public can ask or complain; stands on the notice.",
        shape=TEXT,
        example='"Crime Prevention Section, 000-000-0000"',
    )
    manager: Text = option(
        "The manager (kanri sekininsha) who decides each request: the name of a [[person]] with the role manager.",
        shape=TEXT,
        example='"Sato Hanako"',
    )
    deputies: tuple[Text, ...] = option(
        "Who decides when the manager cannot: names of [[person]] tables with the role deputy.",
        shape=NAMES,
        example='["Suzuki Ichiro"]',
        default=(),
    )
    rule_set: RuleSet = option(
        "Which rules the site follows: ISE, CHI and HOK are published, the grounds of OWN stand in [requests]. "
        "Sets the ceiling of retention (30 days, CHI 31).",
        shape=Wording('"ISE", "CHI", "HOK" or "OWN"', '"ISE", "CHI", "HOK", "OWN" のいずれか'),
        example='"HOK"',
    )
    time_zone: TimeZone = option(
        "The time zone of printed times. Stored times are UTC.",
        shape=ZONE,
        example='"Asia/Tokyo"',
        default="Asia/Tokyo",
    )


class Person(Table):
    """One person with duties. Nobody who is not named here has any."""

    name: Text = option("Full name, as it stands in the register.", shape=TEXT, example='"Sato Hanako"')
    title: Text = option("Office or post.", shape=TEXT, example='"Head of the Crime Prevention Section"')
    roles: tuple[Role, ...] = option(
        "What the person may do.",
        shape=Wording(
            "a list of at least one of: " + ", ".join(role.value for role in Role),
            "次のうち1つ以上の一覧: " + ", ".join(role.value for role in Role),
        ),
        example='["manager"]',
        min_length=1,
    )


class Storage(Table):
    """Where the recorder keeps what is not pictures."""

    state_directory: Location = option(
        "Identity, ledger, register and keystore file. Must not lie on a memory file system.",
        shape=PATH,
        example='"/var/lib/kuramori"',
        default=Path("/var/lib/kuramori"),
    )
    runtime_directory: Location = option(
        "Sockets of the three processes; emptied at every start of the machine.",
        shape=PATH,
        example='"/run/kuramori"',
        default=Path("/run/kuramori"),
    )
    secrets_directory: Location = option(
        "One file per secret, mode 0600, owned by the account that runs kuramori. "
        "Secrets given as systemd credentials win.",
        shape=PATH,
        example='"/etc/kuramori/secrets"',
        default=Path("/etc/kuramori/secrets"),
    )
    ledger_mirror: Location | None = option(
        "A second copy of the ledger, kept equal to the first; best on another device than state_directory.",
        shape=PATH,
        example='"/srv/kuramori/ledger-mirror.db"',
        default=None,
    )
    smart_directory: Location = option(
        "Where kuramori-smart.timer leaves what the drives report of themselves; the recorder only reads there.",
        shape=PATH,
        example='"/run/kuramori-smart"',
        default=Path("/run/kuramori-smart"),
    )
    endurance: Amount | None = option(
        "How much the medium under state_directory is rated to take in its life (its data sheet: TBW).",
        shape=SIZE_SHAPE,
        example='"30 TB"',
        default=None,
    )


class VolumeTable(Table):
    """One preallocated file or block device that holds sealed pictures in a ring.

    With several, the cameras take turns in the order of this file: each records into one of them.
    """

    path: Location = option(
        "The file (made by `kuramori init`) or block device.", shape=PATH, example='"/srv/kuramori/volume0"'
    )
    size: VolumeSize = option(
        "How large it is made. `kuramori config check` says whether it holds the retention asked for.",
        shape=SIZE_SHAPE,
        example='"1400 GiB"',
    )
    endurance: Amount | None = option(
        "How much its medium is rated to take in its life (its data sheet: TBW). An SD card tells nothing of its wear: "
        "without this its health stays unknown.",
        shape=SIZE_SHAPE,
        example='"100 TB"',
        default=None,
    )


class Custody(Table):
    """Who must come together to open a recording."""

    threshold: Count = option(
        "How many custodians are needed (k of n).",
        shape=number_shape(2, SHARES_MOST, "custodians", "人"),
        example="2",
        default=2,
        ge=2,
        le=SHARES_MOST,
    )
    cards_directory: Location = option(
        "Folder with the custodians' public cards (made by `kuramori custodian new`).",
        shape=PATH,
        example='"/etc/kuramori/custodians"',
    )
    recovery_card: Location = option(
        "The public recovery card (made by `kuramori recovery new`); its paper shares lie in the safe.",
        shape=PATH,
        example='"/etc/kuramori/recovery.card"',
    )


class Network(Table):
    """Where pictures may travel unencrypted."""

    local_networks: tuple[LocalNetwork, ...] = option(
        "Networks declared local: only to these (and to the machine itself) does unencrypted RTSP go.",
        shape=NETWORK_SHAPE,
        example='["192.168.10.0/24"]',
        default=(),
    )
    vpn: Text | None = option(
        "Name of the VPN that carries unencrypted RTSP beyond the local networks. Naming it declares that it does.",
        shape=TEXT,
        example='"city-wireguard"',
        default=None,
    )


class Metrics(Table):
    """Where Prometheus may scrape."""

    listen: ListenAddress = option(
        "Address and port of the metrics page.",
        shape=LISTEN,
        example='"127.0.0.1:9464"',
        default="127.0.0.1:9464",
    )


class Recorder(Table):
    """Tuning of the recorder. The defaults are meant to be left alone."""

    stall_seconds: Number = option(
        "A connected camera that delivers nothing for so long counts as stalled and is connected anew.",
        shape=number_shape(2, 120, "seconds", "秒"),
        example="10",
        default=10.0,
        ge=2,
        le=120,
    )
    connect_seconds: Number = option(
        "Longest time for connecting to a camera, signing in and starting to play.",
        shape=number_shape(1, 60, "seconds", "秒"),
        example="10",
        default=10.0,
        ge=1,
        le=60,
    )
    back_off_first_seconds: Number = option(
        "Wait before the first new attempt; doubles with jitter.",
        shape=number_shape(0.1, 60, "seconds", "秒"),
        example="0.5",
        default=0.5,
        ge=0.1,
        le=60,
    )
    back_off_most_seconds: Number = option(
        "Longest wait between attempts.",
        shape=number_shape(1, 600, "seconds", "秒"),
        example="30",
        default=30.0,
        ge=1,
        le=600,
    )
    clock_offset_alarm_seconds: Number = option(
        "A camera whose clock is wrong by more than this is reported.",
        shape=number_shape(1, 3600, "seconds", "秒"),
        example="5",
        default=5.0,
        ge=1,
        le=3600,
    )
    commit_interval_seconds: Number = option(
        "How often what arrived is sealed and made durable, all cameras at once. A crash loses at most twice this.",
        shape=number_shape(0.2, 1, "seconds", "秒"),
        example="1.0",
        default=1.0,
        ge=0.2,
        le=1,
    )
    receive_low_water: Amount = option(
        "The kernel wakes the recorder for a camera when so much has arrived; slower streams are drained each tick.",
        shape=SIZE_SHAPE,
        example='"1 MiB"',
        default=Size(2**20),
    )
    memory_buffer: Amount = option(
        "How much is kept in memory, all cameras together, while no volume can be written; then a gap begins.",
        shape=SIZE_SHAPE,
        example='"256 MiB"',
        default=Size(256 * 2**20),
    )
    hold_budget_percent: Number = option(
        "How much of all volumes together holds may keep, minutes still to be recorded included. A hold beyond it, or "
        "one that would push a camera below its floor, is refused.",
        shape=number_shape(1, 75, "percent", "%"),
        example="25",
        default=25.0,
        ge=1,
        le=75,
    )
    zero_fill_per_second: Amount = option(
        "How fast a new volume is zero-filled in the background.",
        shape=SIZE_SHAPE,
        example='"32 MiB"',
        default=Size(32 * 2**20),
    )
    scrub_per_second: Amount = option(
        "How fast stored pictures are read back and verified in the background; faster where more is recorded.",
        shape=SIZE_SHAPE,
        example='"4 MiB"',
        default=Size(4 * 2**20),
    )


class Configuration(Table):
    """The whole file."""

    site: Site = table("Who films, why, under which rules.")
    people: tuple[Person, ...] = table("Persons with duties.", default=(), alias="person", more=_MORE_PEOPLE)
    storage: Storage = table("Folders.", default=Storage())
    volumes: tuple[VolumeTable, ...] = table("The rings of sealed pictures.", alias="volume")
    keystore: Keystore = table("Where erasure happens.")
    custody: Custody = table("Who must come together to open.")
    network: Network = table("Where pictures may travel unencrypted.", default=Network())
    metrics: Metrics = table("The metrics page.", default=Metrics())
    mail: Mail | None = table("Mail to the office.", default=None)
    api: Api | None = table("Sign-in, and the desk for other machines.", default=None)
    papers: Papers = table("The office's papers.", default=Papers())
    requests: Requests = table("Terms for requests, own grounds.", default=Requests())
    recorder: Recorder = table("Tuning.", default=Recorder())
    cameras: tuple[Camera, ...] = table("The cameras.", default=(), alias="camera")
    retired_cameras: tuple[RetiredCamera, ...] = table("Cameras removed.", default=(), alias="retired_camera")

    def camera_named(self, name: str) -> Camera | None:
        """Return the camera of that name, or None."""
        return next((camera for camera in self.cameras if camera.name == name), None)

    def person_named(self, name: str) -> Person | None:
        """Return the person of that name, or None."""
        return next((person for person in self.people if person.name == name), None)
