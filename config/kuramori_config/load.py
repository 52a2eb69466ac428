"""Reads the configuration file and turns everything that is wrong with it into one readable fault.

`load_configuration` is the only way in for the program. Whether the volumes are large enough (K3) is asked apart, in
`capacity`: a ring that is too short still records. This file must not know what a key means.
"""

import difflib
import tomllib
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from kuramori_config.consistency import consistency_problems
from kuramori_config.enrolled import EnrolledCameras, enrolled_path, with_enrolled
from kuramori_config.faults import ConfigurationFault, Problem, Unfit, Wording
from kuramori_config.schema import Configuration

FILE_BYTES_MOST = 4 * 2**20
NONE_ENROLLED = EnrolledCameras()
FOUND_CHARACTERS_MOST = 60

Tables = TypeVar("Tables", bound=BaseModel)


def load_configuration(path: Path | str) -> Configuration:
    """Read, check and return the configuration. Raises ConfigurationFault with every problem found."""
    file = Path(path)
    content = read_file(file)
    return parse_configuration(content, file, read_enrolled(parse_tables(content, file, Configuration)))


def read_file(file: Path) -> bytes:
    """Return what a configuration file holds. Raises ConfigurationFault."""
    try:
        with file.open("rb") as stream:
            content = stream.read(FILE_BYTES_MOST + 1)
    except OSError as cause:
        why = cause.strerror or "unreadable"
        found = Wording(f"no readable file ({why})", f"読み取れないファイル（{why}）")
        expected = Wording("the configuration file", "設定ファイル")
        raise ConfigurationFault(file, (Problem("(file)", found, expected),)) from cause
    if len(content) > FILE_BYTES_MOST:
        most = Wording(f"at most {FILE_BYTES_MOST} bytes", f"{FILE_BYTES_MOST}バイト以下")
        raise ConfigurationFault(file, (Problem("(file)", Wording("a larger file", "大きすぎるファイル"), most),))
    return content


def read_enrolled(configuration: Configuration) -> EnrolledCameras:
    """Return the cameras that were taken into service at the desk. Raises ConfigurationFault, naming their file."""
    file = enrolled_path(configuration)
    try:
        if not file.exists():
            return NONE_ENROLLED
    except OSError:  # a folder that may not be entered: whoever asks is not the service
        return NONE_ENROLLED
    return parse_tables(read_file(file), file, EnrolledCameras)


def parse_configuration(content: bytes | str, file: Path, enrolled: EnrolledCameras = NONE_ENROLLED) -> Configuration:
    """Check the text of a configuration; `file` is named in problems and is where relative paths start."""
    configuration = with_enrolled(parse_tables(content, file, Configuration), enrolled)
    problems = consistency_problems(configuration)
    if problems:
        raise ConfigurationFault(file, problems)
    return configuration


def parse_tables(content: bytes | str, file: Path, root: type[Tables]) -> Tables:
    """Return a whole file as `root` says it, each key checked for itself. Raises ConfigurationFault."""
    try:
        text = content if isinstance(content, str) else content.decode("utf-8")
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as cause:
        found = Wording(f"text that is not TOML ({cause})", f"TOML形式でない記述（{cause}）")
        expected = Wording("TOML in UTF-8", "UTF-8のTOML形式")
        raise ConfigurationFault(file, (Problem("(file)", found, expected),)) from None
    try:
        return root.model_validate(document, context={"folder": file.absolute().parent})
    except ValidationError as cause:
        raise ConfigurationFault(file, _problems(cause.errors(include_url=False), document, root)) from None


def _problems(errors: list[ErrorDetails], document: Mapping[str, object], root: type[BaseModel]) -> tuple[Problem, ...]:
    """One problem per fault: a key that is missing because it is misspelt is named once, where it stands."""
    meant = {
        (*error["loc"][:-1], close)
        for error in errors
        if error["type"] == "extra_forbidden" and (close := _meant(error["loc"], root)) is not None
    }
    told = (error for error in errors if not (error["type"] == "missing" and error["loc"] in meant))
    return tuple(_problem(error, document, root) for error in told)


def _meant(location: tuple[int | str, ...], root: type[BaseModel]) -> str | None:
    """Return the known key that an unknown one was probably meant to be."""
    model, _ = _field_at(location, root)
    return _nearest_key(str(location[-1]), _known_keys(model)) if model is not None else None


def _problem(error: ErrorDetails, document: Mapping[str, object], root: type[BaseModel]) -> Problem:
    location = error["loc"]
    key, value = _name_place(location, document)
    model, field = _field_at(location, root)
    if error["type"] == "extra_forbidden":
        known = _known_keys(model) if model is not None else []
        return Problem(key, Wording("an unknown key", "不明なキー"), _nearest(str(location[-1]), known))
    shape = _shape(field, error["msg"])
    if error["type"] == "missing":
        return Problem(key, Wording("nothing", "記載なし"), shape)
    cause = error.get("ctx", {}).get("error")
    if isinstance(cause, Unfit):
        return Problem(key, cause.found or _shown(value), cause.expected)
    return Problem(key, _shown(value), shape)


def _shape(field: FieldInfo | None, message: str) -> Wording:
    extra = field.json_schema_extra if field is not None else None
    if not isinstance(extra, dict):
        return Wording(message, message)
    return Wording(str(extra["shape"]), str(extra["shape_ja"]))


def _shown(value: object) -> Wording:
    if isinstance(value, dict | list):
        return Wording("a table", "表") if isinstance(value, dict) else Wording("a list", "一覧")
    text = f'"{value}"' if isinstance(value, str) else str(value)
    if len(text) > FOUND_CHARACTERS_MOST:
        text = text[:FOUND_CHARACTERS_MOST] + "…"
    return Wording(text, text) if value is not None else Wording("nothing", "記載なし")


def _name_place(location: tuple[int | str, ...], document: Mapping[str, object]) -> tuple[str, object]:
    """Return the key as a person finds it, camera[gate].rtsp, and the value that stands there."""
    name, value = "", typing.cast(object, document)
    for step in location:
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) and step < len(value) else None
            called = value.get("name") if isinstance(value, dict) else None
            name += f"[{called}]" if isinstance(called, str) and called.isprintable() else f"[#{step + 1}]"
        else:
            value = value.get(step) if isinstance(value, dict) else None
            name += f".{step}" if name else step
    return name, value


def _field_at(
    location: tuple[int | str, ...], root: type[BaseModel]
) -> tuple[type[BaseModel] | None, FieldInfo | None]:
    """Return the table that the last key belongs to, and the key's field (None when the table has no such key)."""
    model: type[BaseModel] | None = root
    owner: type[BaseModel] | None = model
    field: FieldInfo | None = None
    for step in location:
        if isinstance(step, int) or model is None:
            continue
        owner = model
        field = next((f for n, f in model.model_fields.items() if (f.alias or n) == step), None)
        model = _table_inside(field.annotation) if field is not None else None
    return owner, field


def _table_inside(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner = (_table_inside(part) for part in typing.get_args(annotation))
    return next((model for model in inner if model is not None), None)


def _known_keys(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _nearest_key(unknown: str, known: list[str]) -> str | None:
    close = difflib.get_close_matches(unknown, known, n=1, cutoff=0.6)
    return close[0] if close else None


def _nearest(unknown: str, known: list[str]) -> Wording:
    close = _nearest_key(unknown, known)
    if close is not None:
        return Wording(f'a known key (did you mean "{close}"?)', f"既知のキー（「{close}」の誤りではありませんか）")
    listed = ", ".join(known)
    return Wording(f"one of: {listed}", f"次のいずれか: {listed}")
