"""Editing the configuration's text: one table changes, every comment and every other line stays as it was."""

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori_config.editing import EditRefused, with_camera, with_changed_camera, with_removed_camera

TEXT = """\
# Kept by the Crime Prevention Section.
[site]
name = "Kita" # as on the notice

[[camera]]
name = "gate" # the first one
place = "North gate"   # pole 14
retention = "14 days"

[camera.audio]
who = "x"

# behind the school
[[camera]]
name = "yard"
place = "Yard"

[network]
vpn = "city"
# the end
"""
RETIRED = {"name": "gate", "place": "North gate"}


def test_a_new_camera_stands_at_the_end_and_nothing_else_moves() -> None:
    """What was there is there, byte for byte."""
    text = with_camera(TEXT, {"name": "park", "place": '公園 "東"', "events": False})
    assert text.startswith(TEXT)
    assert tomllib.loads(text)["camera"][-1] == {"name": "park", "place": '公園 "東"', "events": False}
    assert tomllib.loads(with_camera("", {"name": "a"})) == {"camera": [{"name": "a"}]}
    assert with_camera("x = 1", {"name": "a"}).startswith("x = 1\n\n[[camera]]\n")


def test_changing_a_camera_touches_its_lines_only() -> None:
    """A value changes, one goes, one is new; comments of all other lines stay."""
    text = with_changed_camera(TEXT, "gate", {"retention": "7 days", "place": None, "user": "recorder"})
    gone = set(TEXT.splitlines()) - set(text.splitlines())
    assert gone == {'place = "North gate"   # pole 14', 'retention = "14 days"'}
    assert set(text.splitlines()) - set(TEXT.splitlines()) == {'retention = "7 days"', 'user = "recorder"'}
    assert tomllib.loads(text)["camera"][0]["audio"] == {"who": "x"}


def test_removing_a_camera_takes_its_tables_and_leaves_a_note() -> None:
    """With its sub-tables; the other camera and all other comments stay."""
    text = with_removed_camera(TEXT, "gate", RETIRED)
    said = tomllib.loads(text)
    assert [camera["name"] for camera in said["camera"]] == ["yard"]
    assert said["retired_camera"] == [RETIRED]
    for line in ("# Kept by the Crime Prevention Section.", 'name = "Kita" # as on the notice', "# the end"):
        assert line in text
    both = with_removed_camera(text, "yard", {"name": "yard"})
    assert "camera" not in tomllib.loads(both)
    assert [camera["name"] for camera in tomllib.loads(both)["retired_camera"]] == ["gate", "yard"]


@pytest.mark.parametrize("text", ["camera = [{name = 'gate'}]", "[camera]\nname = 1", "camera = 3", "not toml ["])
def test_what_a_program_cannot_change_safely_is_left_to_a_person(text: str) -> None:
    """Inline tables, other shapes and broken files are refused, never rewritten."""
    with pytest.raises((EditRefused, KeyError)):
        with_changed_camera(text, "gate", {"place": "x"})


def test_a_camera_that_is_not_there_is_told() -> None:
    """KeyError, for whoever has to say it in a sentence."""
    for edit in (with_changed_camera, with_removed_camera):
        with pytest.raises(KeyError):
            edit(TEXT, "none", {"name": "none"})


TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)
VALUES = st.dictionaries(
    st.text("abcdefgh_-", min_size=1, max_size=8), TEXTS | st.booleans() | st.integers(-(2**60), 2**60), max_size=5
)


@given(VALUES, VALUES)
def test_any_values_come_out_as_they_went_in(first: dict[str, Any], second: dict[str, Any]) -> None:
    """Quotes, control characters, other scripts: the parsed file says what was asked for, or nothing is changed."""
    text = with_camera(TEXT, {**first, "name": "one"})
    changed = with_changed_camera(text, "one", second | {"name": "two"})
    assert tomllib.loads(changed)["camera"][-1] == {**first, **second, "name": "two"}
    rest = tomllib.loads(with_removed_camera(changed, "gate", RETIRED))
    assert [camera["name"] for camera in rest["camera"]] == ["yard", "two"]
