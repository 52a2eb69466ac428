"""Writes the reference and the example file from the schema, so that the three never differ.

`python -m kuramori_config.generate FOLDER` writes REFERENCE.md and kuramori.example.toml into FOLDER. This file must
not say anything about a key that the schema does not say.
"""

import enum
import sys
import typing
from pathlib import Path

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from kuramori_config.mail_table import Mail
from kuramori_config.quantities import Duration, Size
from kuramori_config.schema import Configuration
from kuramori_config.watch_file import WatchConfiguration

REFERENCE_NAME = "REFERENCE.md"
EXAMPLE_NAME = "kuramori.example.toml"
_WIDTH = 100
_ROW_HEAD = "| key | value | default | meaning |\n|---|---|---|---|"

_REFERENCE_HEAD = """\
# Configuration reference

Generated from the schema by `kuramori config reference`; do not edit.

One TOML file, `/etc/kuramori/kuramori.toml` by default. Unknown keys and impossible values are errors; `kuramori config
check` names each with its key, what was found and what was expected. Passwords never stand in the file: a key that
needs one holds the *name* of a secret, read from systemd's credentials directory or from a file of that name, mode
0600, in `storage.secrets_directory`.

Sizes are written with their unit (KiB, MiB, GiB, TiB; or decimal KB, MB, GB, TB), durations too (seconds, minutes,
hours, days, weeks). Relative paths start at the folder of the file.

Unencrypted `rtsp://` goes only to declared local networks, to the machine itself, or where `network.vpn` names the VPN
that carries it; so does a camera that is asked over `http://`, for it streams from the same host. A literal address is
checked when the file is read. A host name needs at least one declared network (or the VPN), and every address it
resolves to is checked again at each connection."""

_WATCH_HEAD = """
# The file of kuramori watch

A file of its own on another machine, with two tables: [mail] as above, and [watch]."""

_EXAMPLE_HEAD = """\
# Kuramori configuration: an example with every key. Generated from the schema by `kuramori config example`.
# Keys behind a # are optional; they show their default, or an example where there is none."""


def reference() -> str:
    """Return REFERENCE.md."""
    parts = [_REFERENCE_HEAD]
    for heading, model, field in _tables():
        parts += _reference_table(heading, model, field)
    parts.append(_WATCH_HEAD)
    for heading, model, field in _tables(WatchConfiguration):
        if model is not Mail:
            parts += _reference_table(heading, model, field)
    return "\n".join(parts) + "\n"


def _reference_table(heading: str, model: type[BaseModel], field: FieldInfo) -> list[str]:
    rows = [_reference_row(name, entry) for name, entry in _entries(model)]
    return [f"\n## {heading}\n\n{_prose(model, field)}\n\n{_ROW_HEAD}", *rows]


def example() -> str:
    """Return kuramori.example.toml: it loads as it stands."""
    parts = [_EXAMPLE_HEAD]
    for heading, model, field in _tables():
        optional = "." in heading
        parts.append("")
        parts += _comment(_prose(model, field))
        parts.append(f"# {heading}" if optional else heading)
        for name, entry in _entries(model):
            parts += _example_lines(name, entry, commented=optional)
        if _extra(field, "example"):
            parts.append(_extra(field, "example"))
    return "\n".join(parts) + "\n"


def _tables(root: type[BaseModel] = Configuration) -> typing.Iterator[tuple[str, type[BaseModel], FieldInfo]]:
    """Return every table in the order of the file: its heading, its model, the field that holds it."""
    for name, field in root.model_fields.items():
        model, many = _model_of(field.annotation)
        if model is None:
            continue
        key = field.alias or name
        yield (f"[[{key}]]" if many else f"[{key}]"), model, field
        for inner_name, inner in model.model_fields.items():
            inner_model, inner_many = _model_of(inner.annotation)
            if inner_model is not None:
                heading = f"{key}.{inner.alias or inner_name}"
                yield (f"[[{heading}]]" if inner_many else f"[{heading}]"), inner_model, inner


def _model_of(annotation: object) -> tuple[type[BaseModel] | None, bool]:
    """Return the table that an annotation holds, and whether it holds many."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False
    for part in typing.get_args(annotation):
        model, _ = _model_of(part)
        if model is not None:
            return model, typing.get_origin(annotation) is tuple
    return None, False


def _entries(model: type[BaseModel]) -> list[tuple[str, FieldInfo]]:
    """Return the keys of a table that are values, not tables."""
    fields = model.model_fields.items()
    return [(field.alias or name, field) for name, field in fields if _model_of(field.annotation)[0] is None]


def _prose(model: type[BaseModel], field: FieldInfo) -> str:
    own = (model.__doc__ or "").strip()
    about = (field.description or "").strip()
    return " ".join((own if len(own) >= len(about) else about).split())


def _extra(field: FieldInfo, name: str) -> str:
    extra = field.json_schema_extra
    return str(extra[name]) if isinstance(extra, dict) else ""


def _default(field: FieldInfo) -> str:
    """Return the default as a TOML literal; empty where the key is required or has none."""
    value = field.default
    if value is PydanticUndefined or value is None:
        return ""
    if isinstance(value, tuple):
        return "[" + ", ".join(_literal(item) for item in value) + "]"
    return _literal(value)


def _literal(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, enum.Enum):
        return f'"{value.value}"'
    if isinstance(value, Size | Duration | str | Path):
        return f'"{value}"'
    return f"{value:g}" if isinstance(value, float) else str(value)


def _reference_row(name: str, field: FieldInfo) -> str:
    optional = f"`{_default(field)}`" if _default(field) else "none"
    default = "**required**" if field.is_required() else optional
    cells = (f"`{name}`", _extra(field, "shape"), default, f"{field.description} Example: `{_extra(field, 'example')}`")
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _comment(text: str) -> list[str]:
    """Return a text as comment lines of at most _WIDTH characters."""
    lines, line = [], "#"
    for word in text.split():
        if len(line) + 1 + len(word) > _WIDTH:
            lines.append(line)
            line = "#"
        line += f" {word}"
    return [*lines, line]


# Where two optional keys exclude each other, the example sets this one.
_SHOWN_THOUGH_OPTIONAL = frozenset(
    {"cell_directory", "deputies", "local_networks", "rtsp", "user", "username", "password"}
)


def _example_lines(name: str, field: FieldInfo, *, commented: bool) -> list[str]:
    literal = _extra(field, "example")
    set_here = (field.is_required() or name in _SHOWN_THOUGH_OPTIONAL) and not commented
    if not set_here and not field.is_required():
        literal = _default(field) or literal
    return [*_comment(field.description or ""), f"{'' if set_here else '# '}{name} = {literal}"]


def write(folder: Path) -> None:
    """Write both files into a folder."""
    (folder / REFERENCE_NAME).write_text(reference(), encoding="utf-8")
    (folder / EXAMPLE_NAME).write_text(example(), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
