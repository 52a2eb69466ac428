"""A configured office for the tests of papers: facts as the desk makes them from a configuration file."""

from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from kuramori.desk.grounds import Asked, RecipientKind, Wording
from kuramori.desk.site import Site
from kuramori.paper.paper_facts import PaperFacts
from kuramori_config.load import load_configuration
from kuramori_config.schema import Configuration

PRINTED_UTC_MS = 1_795_000_000_000
SITE = """\
[site]
name = "北市通学路"
purpose = "通学路における児童の安全の確保"
installer = "北市"
contact = "北市防犯課 000-000-0000"
manager = "佐藤 花子"
deputies = ["鈴木 一郎"]
rule_set = "HOK"
"""
PAPERS = """
[papers]
operator = "北市(市長 山田 太郎)"
address = "北市本町1-1"
recorder_place = "北市役所2階 施錠された機械室"
in_force_from = 2026-04-01
legal_basis = "北市防犯推進条例第2条"
review_board = "北市個人情報保護審議会"
answer_within = "10 days"
"""
PEOPLE = """
[[person]]
name = "佐藤 花子"
title = "防犯課長"
roles = ["manager"]

[[person]]
name = "鈴木 一郎"
title = "防犯課副課長"
roles = ["deputy", "custodian"]

[[person]]
name = "田中 次郎"
title = "防犯課主任"
roles = ["handler"]

[[person]]
name = "伊藤 四郎"
title = "監査委員"
roles = ["auditor"]
"""
REST = """
[storage]
state_directory = "state"
runtime_directory = "run"
secrets_directory = "secrets"

[[volume]]
path = "volume0"
size = "64 MiB"

[keystore]
cell_directory = "cell"

[custody]
threshold = 2
cards_directory = "cards"
recovery_card = "recovery.card"

[network]
local_networks = ["192.168.10.0/24"]
"""
CAMERAS = """
[[camera]]
name = "gate"
place = "正門前電柱14号"
retention = "14 days"
rtsp = "rtsp://192.168.10.21:554/stream1"

[[camera]]
name = "park"
place = "中央公園入口"
purpose = "公園内の器物損壊の防止"
retention = "7 days"
rtsp = "rtsp://192.168.10.22:554/stream1"
"""
WHOLE = SITE + PAPERS + PEOPLE + REST + CAMERAS


def configured(folder: Path, text: str = WHOLE) -> Configuration:
    """Load a configuration."""
    file = folder / "kuramori.toml"
    file.write_text(text, encoding="utf-8")
    return load_configuration(file)


def facts_of(configuration: Configuration, **changes: Any) -> PaperFacts:
    """Return the facts that papers are printed from, two of three custodians in office."""
    site = Site.of(configuration, bytes(16))
    refusal = site.rules.assess(Asked("", "", RecipientKind.PRIVATE))
    facts = PaperFacts(
        site=site.name,
        recorder_id=site.recorder_id.hex(),
        rule_set=site.rule_set,
        zone=ZoneInfo(site.time_zone),
        printed_utc_ms=PRINTED_UTC_MS,
        office=site.office,
        people=site.people,
        k=2,
        n=3,
        tier="E2",
        grounds=site.rules.grounds,
        private=refusal.text if refusal is not None else Wording("", ""),
    )
    return replace(facts, **changes)
