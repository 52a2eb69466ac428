"""Answers as cameras give them, each in a file of `quirks/` beside what must be read out of it.

`name.xml` is the body as it came. `name.json`: `quirk` (one sentence), `operation` that was asked, `reader` (a name
of `quirk_readers`), `status` of HTTP if not 200, and either `expected` (what must be there; a table may leave
members out, a list may not) or `error` (the code of our error; with it `wants_sign_in`).
"""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from kuramori_onvif.errors import CameraFault, OnvifError
from kuramori_onvif.soap import vet, wants_sign_in
from kuramori_onvif.transport import HttpAnswer
from tests.onvif.quirk_readers import READERS

FOLDER = Path(__file__).parent / "quirks"
NAMES = sorted(path.stem for path in FOLDER.glob("*.xml"))
MEMBERS = {"quirk", "operation", "reader", "status", "expected", "error", "wants_sign_in"}


def _plain(value: object) -> Any:
    """Return a value as JSON would hold it."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    return value


def _misfit(expected: Any, found: Any, place: str = "") -> str:
    """Return where the found value does not have what is expected, "" where it has."""
    if isinstance(expected, dict) and isinstance(found, dict):
        parts = (
            _misfit(one, found[key], f"{place}.{key}") if key in found else f"{place}.{key} is missing"
            for key, one in expected.items()
        )
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        parts = (_misfit(*pair, f"{place}[{at}]") for at, pair in enumerate(zip(expected, found, strict=True)))
    else:
        return "" if expected == found else f"{place}: expected {expected!r}, found {found!r}"
    return next((part for part in parts if part), "")


@pytest.mark.parametrize("name", NAMES)
def test_an_answer_as_cameras_give_it_is_read_as_recorded(name: str) -> None:
    """A value with everything that is expected, or the error that is."""
    case = json.loads((FOLDER / f"{name}.json").read_text())
    found, error = _outcome(case, (FOLDER / f"{name}.xml").read_bytes())
    if "error" in case:
        assert error is not None, found
        assert error.code == case["error"]
        signs_in = isinstance(error, CameraFault) and wants_sign_in(error)
        assert signs_in is case.get("wants_sign_in", False)
    else:
        assert error is None, str(error)
        assert _misfit(case["expected"], _plain(found)) == ""


def _outcome(case: dict[str, Any], body: bytes) -> tuple[object, OnvifError | None]:
    """Read an answer as it comes from the network."""
    try:
        content = vet("camera", case["operation"], HttpAnswer(case.get("status", 200), (), body))
        return READERS[case["reader"]](content), None
    except OnvifError as error:
        return None, error


def test_each_recorded_answer_has_its_expectation_and_no_stray_members() -> None:
    """Nothing is left over in the folder, and a misspelt member is noticed."""
    assert sorted(path.stem for path in FOLDER.glob("*.json")) == NAMES
    for name in NAMES:
        case = json.loads((FOLDER / f"{name}.json").read_text())
        assert set(case) <= MEMBERS, name
        assert case["quirk"].endswith("."), name
        assert ("expected" in case) is not ("error" in case), name


def test_the_comparison_can_fail() -> None:
    """A difference anywhere is found."""
    assert _misfit([{"a": 1}], [{"a": 1, "b": 2}]) == ""
    assert _misfit([{"a": 1}], [{"a": 2}])
    assert _misfit([{"a": 1}], [])
    assert _misfit({"a": None}, {})
