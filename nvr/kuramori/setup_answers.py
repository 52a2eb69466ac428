"""The six questions of `kuramori init`, and the configuration that their answers make.

The answers come from a terminal or from a TOML file with the same keys; the file may also say where the recorder keeps
its own files, for who tries it out without the rights to the usual places, and may bring tables of the configuration
along (`BROUGHT_ALONG`), for who sets many recorders up alike. Everything else keeps its default. This module must not
ask, print or write.
"""

import dataclasses
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

import tomlkit

from kuramori.setup_faults import SetUpRefused
from kuramori.texts import tr
from kuramori_config.rules import PUBLISHED, retention_rule

MAX_ANSWERS_BYTES = 65536
_KINDS: dict[object, tuple[str, str]] = {
    str: ("a text", "文字列"),
    int: ("a number", "数値"),
    bool: ("true or false", "true または false"),
}
# Tables of the configuration that a file of answers may hold; the configuration judges them.
BROUGHT_ALONG = ("network", "metrics", "mail", "api", "requests", "person", "camera")


class AnswersRefused(SetUpRefused):
    """The file of answers cannot be used: one sentence says why."""


@dataclass(frozen=True, slots=True)
class Part:
    """One line of a question: its key, what is asked, the answer that is offered."""

    key: str
    english: str
    japanese: str
    offered: str = ""

    @property
    def prompt(self) -> str:
        """Return what is asked, in the reader's language."""
        return tr(self.english, self.japanese)


@dataclass(frozen=True, slots=True)
class Question:
    """One of the six questions: a heading and its lines."""

    english: str
    japanese: str
    parts: tuple[Part, ...]

    @property
    def heading(self) -> str:
        """Return the heading in the reader's language."""
        return tr(self.english, self.japanese)


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers, as texts; what is wrong with one is said when the configuration is read."""

    site: str
    purpose: str
    installer: str
    contact: str
    rule_set: str
    manager: str
    manager_title: str
    volume: str
    size: str
    cell_directory: str
    cards_directory: str
    threshold: int
    recovery_card: str
    # In a file only; empty: the default of the configuration.
    state_directory: str = ""
    runtime_directory: str = ""
    secrets_directory: str = ""
    for_trial: bool = False
    tables: dict[str, object] = field(default_factory=dict)  # by name, of those in BROUGHT_ALONG


def _rule_sets() -> str:
    return ", ".join(f"{one.value} ({retention_rule(one).ceiling})" for one in PUBLISHED)


QUESTIONS: tuple[Question, ...] = (
    Question(
        "Who films, and why? (stands in the rule book and on the notices)",
        "誰が何のために撮影しますか（運用要領・掲示に記載されます）",
        (
            Part("site", "Name of the site", "施設・区域の名称"),
            Part("purpose", "Purpose of the cameras", "設置目的"),
            Part("installer", "Installer: the body that answers for them", "設置者（責任を負う団体）"),
            Part("contact", "Where the public can ask", "問い合わせ先"),
        ),
    ),
    Question(
        "Which rules apply, and who decides requests?",
        "どの規程に従い、誰が請求を判断しますか",
        (
            Part(
                "rule_set",
                f"Rule set and its longest retention: {_rule_sets()}",
                f"適用規程（括弧内は保存期間の上限）: {_rule_sets()}",
            ),
            Part("manager", "Manager (kanri sekininsha), full name", "管理責任者の氏名"),
            Part("manager_title", "The manager's office", "管理責任者の職名"),
        ),
    ),
    Question(
        "Where are the sealed pictures kept?",
        "封印した画像をどこに保存しますか",
        (
            Part("volume", "Volume: a file to be made, or a block device", "記録領域（新規ファイルまたは装置）"),
            Part("size", "Its size", "容量", "500 GiB"),
        ),
    ),
    Question(
        "Where is the erasable cell? Best on a small device of its own, never on the recording medium.",
        "消去可能領域をどこに置きますか（記録媒体とは別の小さな装置を推奨）",
        (Part("cell_directory", "Folder of the cell", "消去可能領域のフォルダー"),),
    ),
    Question(
        "Who opens recordings together?",
        "誰が共同で画像を開封しますか",
        (
            Part("cards_directory", "Folder with the custodians' public cards", "鍵管理者の公開カードのフォルダー"),
            Part("threshold", "How many of them are needed", "開封に必要な人数", "2"),
        ),
    ),
    Question(
        "The recovery card? Its paper sheets lie in the safe.",
        "復旧カードはどれですか（復旧用紙は金庫に保管）",
        (Part("recovery_card", "The public recovery card", "公開の復旧カード"),),
    ),
)


def read_answers(path: Path) -> Answers:
    """Read a file of answers. Raises AnswersRefused, naming every key that is missing or unknown."""
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_ANSWERS_BYTES)
        given = tomllib.loads(content.decode("utf-8"))
    except OSError as error:
        raise AnswersRefused(tr(f"{path}: {error.strerror}", f"{path}: 読み取れません（{error.strerror}）")) from None
    except ValueError as error:
        raise AnswersRefused(tr(f"{path}: not TOML: {error}", f"{path}: TOML形式ではありません: {error}")) from None
    tables = {name: given.pop(name) for name in BROUGHT_ALONG if name in given}
    known = {one.name: one.type for one in dataclasses.fields(Answers) if one.name != "tables"}
    required = {
        one.name
        for one in dataclasses.fields(Answers)
        if one.default is dataclasses.MISSING and one.default_factory is dataclasses.MISSING
    }
    missing, unknown = sorted(required - given.keys()), sorted(given.keys() - known.keys())
    if missing or unknown:
        message = tr(
            f"{path}: missing: {', '.join(missing) or 'nothing'}; unknown: {', '.join(unknown) or 'nothing'}",
            f"{path}: 不足: {', '.join(missing) or 'なし'}、不明: {', '.join(unknown) or 'なし'}",
        )
        raise AnswersRefused(message)
    for name, value in given.items():
        wanted = known[name]
        if type(value) is not wanted:
            raise AnswersRefused(
                tr(f"{path}: {name}: expected {_KINDS[wanted][0]}", f"{path}: {name}: {_KINDS[wanted][1]} が必要です")
            )
    return Answers(**given, tables=tables)


def configuration_text(answers: Answers) -> str:
    """Return the configuration that the answers make: TOML with its tables and a word on what follows."""
    document = tomlkit.document()
    document.add(tomlkit.comment("Made by `kuramori init`. Every key is explained by `kuramori config reference`."))
    site = {
        "name": answers.site,
        "purpose": answers.purpose,
        "installer": answers.installer,
        "contact": answers.contact,
        "manager": answers.manager,
        "rule_set": answers.rule_set,
    }
    document["site"] = site
    storage = {
        key: value
        for key in ("state_directory", "runtime_directory", "secrets_directory")
        if (value := getattr(answers, key))
    }
    volume = Path(answers.volume)
    if volume.is_absolute() and not volume.is_relative_to("/dev"):
        storage["ledger_mirror"] = str(volume.parent / "ledger-mirror.db")
    if storage:
        document["storage"] = storage
    people = tomlkit.aot()
    people.append(_table({"name": answers.manager, "title": answers.manager_title, "roles": ["manager"]}))
    brought = answers.tables.get("person", [])
    if isinstance(brought, list) and all(isinstance(person, dict) for person in brought):
        for person in brought:
            people.append(_table(person))
        document["person"] = people
    else:
        document["person"] = brought  # not tables at all: the configuration says so
    volumes = tomlkit.aot()
    volumes.append(_table({"path": answers.volume, "size": answers.size}))
    document["volume"] = volumes
    document["keystore"] = {"cell_directory": answers.cell_directory}
    if answers.for_trial:
        document["keystore"]["for_trial"] = True
    document["custody"] = {
        "threshold": answers.threshold,
        "cards_directory": answers.cards_directory,
        "recovery_card": answers.recovery_card,
    }
    for name, value in answers.tables.items():
        if name != "person":
            document[name] = value
    tail = "\n# Add one [[camera]] per camera, and [[person]] tables for handlers; see `kuramori config example`.\n"
    return tomlkit.dumps(document) + tail


def _table(values: dict[str, object]) -> tomlkit.items.Table:
    table = tomlkit.table()
    for key, value in values.items():
        table[key] = value
    return table
