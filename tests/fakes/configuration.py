"""A complete, small configuration as text, for tests that need one; `configuration_text` fills in what varies."""

MINIMAL = """\
[site]
name = "Test site"
purpose = "Safety on the way to school"
installer = "Test City, Crime Prevention Section"
contact = "000-000-0000"
manager = "Sato Hanako"
rule_set = "HOK"

[[person]]
name = "Sato Hanako"
title = "Head of section"
roles = ["manager"]

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
cards_directory = "cards"
recovery_card = "recovery.card"
"""

CAMERA = """
[[camera]]
name = "gate"
place = "North gate"
retention = "14 days"
rtsp = "rtsp://127.0.0.1:554/stream1"
"""


def configuration_text(*additions: str) -> str:
    """Return the minimal configuration followed by further tables."""
    return MINIMAL + "".join(additions)
