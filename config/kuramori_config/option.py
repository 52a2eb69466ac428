"""How the schema says one key: its meaning, its shape in words, an example. Used by loader and generator alike.

This file must not know which keys there are.
"""

from typing import Any

from pydantic import Field
from pydantic.config import JsonDict

from kuramori_config.faults import Wording

REQUIRED: Any = ...


def option(
    description: str,
    *,
    shape: Wording,
    example: str,
    default: Any = REQUIRED,
    **constraints: Any,
) -> Any:
    """Return a pydantic field that carries its own documentation.

    `description` is one or two English sentences; `shape` says what is expected, for error messages; `example` is a
    TOML literal, written into the example file; `constraints` go to pydantic (ge, le, alias, pattern ...).
    """
    extra: JsonDict = {"shape": shape.english, "shape_ja": shape.japanese, "example": example}
    return Field(default, description=description, json_schema_extra=extra, **constraints)


def table(description: str, *, default: Any = REQUIRED, more: str = "", **constraints: Any) -> Any:
    """Return a pydantic field for a table (or a list of tables) that carries its own documentation.

    `more` is TOML that follows the table in the example file: further tables of the same kind.
    """
    shape = Wording("a table of its own, see the reference", "独立した表（設定リファレンス参照）")
    return option(description, shape=shape, example=more, default=default, **constraints)


TEXT = Wording("a text of 1 to 200 characters", "1～200文字の文字列")
PATH = Wording(
    "a path; one that is not absolute starts at the folder of this file",
    "パス（相対パスはこのファイルのあるフォルダーから数える）",
)
DATE = Wording("a date such as 2026-04-01", "日付（例: 2026-04-01）")
YES_OR_NO = Wording("true or false", "true または false")
NAMES = Wording("a list of names", "氏名の一覧")


def number_shape(least: float, most: float, unit: str, unit_ja: str) -> Wording:
    """Return the wording of a bounded number."""
    return Wording(f"a number of {unit} from {least:g} to {most:g}", f"{least:g}～{most:g}の数（{unit_ja}）")
