"""Who appears in the walk-through, and what is added to the configuration for them. Nothing here acts."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields

from kuramori.demo.cast import Custodian
from kuramori.texts import tr


@dataclass(frozen=True, slots=True)
class Staff:
    """The people of the office; each signs in as themselves."""

    manager: str
    deputy: str
    handler: str
    witness: str
    administrator: str
    installer: str
    auditor: str

    @property
    def added_later(self) -> tuple[str, ...]:
        """Everybody but the manager, who has the first account."""
        return tuple(getattr(self, one.name) for one in fields(self) if one.name != "manager")


def staff() -> Staff:
    """Return the people, named in the reader's language. The first four are those of the other demo, and a deputy."""
    return Staff(
        manager=tr("Sato Hanako", "佐藤 花子"),
        deputy=tr("Yamada Taro", "山田 太郎"),
        handler=tr("Suzuki Ichiro", "鈴木 一郎"),
        witness=tr("Tanaka Yuki", "田中 雪"),
        administrator=tr("Kobayashi Ken", "小林 健"),
        installer=tr("Denki Saburo", "電木 三郎"),
        auditor=tr("Ueno Sumire", "上野 すみれ"),
    )


def with_office(configuration: str, people: Staff, custodians: Sequence[Custodian], api_port: int) -> str:
    """Return the configuration with sign-in over TLS, and the people besides manager and handlers."""
    deputies = f"[site]\ndeputies = [{_toml(people.deputy)}]\n"
    text = configuration.replace("[site]\n", deputies, 1)
    text += f'\n[api]\nlisten = "127.0.0.1:{api_port}"\n\n[papers]\n'
    text += "".join(f"{key} = {_toml(value)}\n" for key, value in _papers().items()) + "in_force_from = 2026-04-01\n"
    office = tr("Crime Prevention Section", "防犯課")
    company = tr("Denki Works Ltd.", "電木工業株式会社")
    audit = tr("Audit Office", "監査事務局")
    keepers = [(one.name, one.title, "custodian") for one in custodians]
    for name, title, role in (
        (people.deputy, office, "deputy"),
        (people.administrator, tr("Information Systems Section", "情報システム課"), "administrator"),
        (people.installer, company, "installer"),
        (people.auditor, audit, "auditor"),
        *keepers,
    ):
        text += f'\n[[person]]\nname = {_toml(name)}\ntitle = {_toml(title)}\nroles = ["{role}"]\n'
    return text


def _papers() -> dict[str, str]:
    """What the printed papers say of the office."""
    return {
        "operator": tr("Demo City (mayor Hoshi Ichiro)", "デモ市（市長 星 一郎）"),
        "address": tr("1-1 Honcho, Demo City", "デモ市本町1-1"),
        "recorder_place": tr("City hall, 2nd floor, locked server room", "市役所2階 施錠したサーバー室"),
        "legal_basis": tr("Demo City Crime Prevention Ordinance, article 2", "デモ市防犯条例第2条"),
        "review_board": tr("Demo City Privacy Review Board", "デモ市個人情報保護審議会"),
    }


def _toml(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
