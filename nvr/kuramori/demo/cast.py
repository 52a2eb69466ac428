"""Who and what appears in the demo: people, cameras, and the files that describe them. Nothing here acts."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kuramori.texts import tr

VOLUME_SIZE = "224 MiB"  # thirteen slots: room for both cameras, quickly copied
RETENTION = "3 hours"
CUSTODIANS_NEEDED = 2


@dataclass(frozen=True, slots=True)
class Custodian:
    """One of those without whom nothing is opened. `key` in `folder`, after `kuramori custodian new`."""

    name: str
    title: str
    folder: Path
    passphrase: str

    @property
    def passphrase_file(self) -> Path:
        """Where the demo keeps the passphrase; a person keeps it in the head."""
        return self.folder / "passphrase"

    @property
    def key_file(self) -> Path:
        """The private key."""
        return next(self.folder.glob("*.key.json"))

    @property
    def card(self) -> Path:
        """The public card."""
        return next(self.folder.glob("*.card.json"))


@dataclass(frozen=True, slots=True)
class DemoCamera:
    """A simulated camera as it was found, and what the site calls it."""

    name: str
    place: str
    address: str  # of its ONVIF device service
    audio_offered: bool


@dataclass(frozen=True, slots=True)
class Cast:
    """The people of the site."""

    manager: str
    manager_title: str
    handler: str
    witness: str


def cast() -> Cast:
    """Return the people, named in the reader's language."""
    return Cast(
        manager=tr("Sato Hanako", "佐藤 花子"),
        manager_title=tr("Head of the Crime Prevention Section", "防犯課長"),
        handler=tr("Suzuki Ichiro", "鈴木 一郎"),
        witness=tr("Tanaka Yuki", "田中 雪"),
    )


def custodians(people: Path) -> tuple[Custodian, ...]:
    """Return the three custodians, each with a folder of the own."""
    named = (
        ("a", tr("Ito Akira", "伊藤 明"), tr("General Affairs Section", "総務課")),
        ("b", tr("Kato Midori", "加藤 緑"), tr("City Hall Legal Office", "法務室")),
        ("c", tr("Mori Kenji", "森 健二"), tr("Board of Education", "教育委員会")),
    )
    return tuple(
        Custodian(name, title, people / f"custodian-{letter}", f"demo only: {letter} keeps watch over the storehouse")
        for letter, name, title in named
    )


def camera_texts() -> tuple[tuple[str, str], ...]:
    """Return name and place of the two cameras."""
    return (
        ("school-gate", tr("School gate, facing the road", "校門前（道路側）")),
        ("crossing", tr("Crossing at the school route", "通学路交差点")),
    )


def answers(folder: Path, runtime: Path, cards: Path, recovery_card: Path) -> str:
    """Return the answers to the six questions of `kuramori init`, as TOML, and the places of this trial."""
    people = cast()
    medium = folder / "recording-medium"
    values: dict[str, str | int | bool] = {
        "site": tr("Demo school route", "デモ通学路"),
        "purpose": tr("Safety of children on their way to school", "通学路における児童の安全確保"),
        "installer": tr("Demo City, Crime Prevention Section", "デモ市 防犯課"),
        "contact": "000-000-0000",
        "rule_set": "HOK",
        "manager": people.manager,
        "manager_title": people.manager_title,
        "volume": str(medium / "volume0"),
        "size": VOLUME_SIZE,
        "cell_directory": str(folder / "cell-device" / "cell"),
        "cards_directory": str(cards),
        "threshold": CUSTODIANS_NEEDED,
        "recovery_card": str(recovery_card),
        "state_directory": str(medium / "state"),
        "runtime_directory": str(runtime / "run"),
        "secrets_directory": str(folder / "secrets"),
        "for_trial": True,
    }
    return "".join(f"{key} = {_toml(value)}\n" for key, value in values.items())


def additions(cameras: Sequence[DemoCamera], metrics_port: int) -> str:
    """Return what is added to the configuration after `kuramori init`: two handlers, the cameras, the metrics page."""
    people = cast()
    text = f'\n[metrics]\nlisten = "127.0.0.1:{metrics_port}"\n\n[recorder]\nzero_fill_per_second = "256 MiB"\n'
    for name in (people.handler, people.witness):
        title = tr("Crime Prevention Section", "防犯課")
        text += f'\n[[person]]\nname = {_toml(name)}\ntitle = {_toml(title)}\nroles = ["handler"]\n'
    for camera in cameras:
        text += (
            f"\n[[camera]]\nname = {_toml(camera.name)}\nplace = {_toml(camera.place)}\n"
            f'onvif = {_toml(camera.address)}\nretention = "{RETENTION}"\nfloor = "1 hour"\n'
            "expected_mbit_per_second = 0.02\n"
        )
    return text


def _toml(value: str | int | bool) -> str:
    """Return a TOML value; a JSON string is one."""
    return json.dumps(value, ensure_ascii=False)
