"""The reference and the example are the schema's own words, and the committed files are up to date."""

from pathlib import Path

import pytest

from kuramori_config.capacity import shortfall
from kuramori_config.generate import EXAMPLE_NAME, REFERENCE_NAME, example, reference, write
from kuramori_config.load import parse_configuration
from kuramori_config.schema import Camera, Configuration, Recorder

FOLDER = Path(__file__).parents[2] / "config"


@pytest.mark.parametrize(("name", "text"), [(REFERENCE_NAME, reference), (EXAMPLE_NAME, example)])
def test_the_committed_file_is_the_generated_one(name: str, text: object) -> None:
    """REFERENCE.md and the example file equal what the schema generates now."""
    assert callable(text)
    assert (FOLDER / name).read_text(encoding="utf-8") == text(), (
        "generate them again: python -m kuramori_config.generate config"
    )


def test_writing_writes_both(tmp_path: Path) -> None:
    """The generator writes the two files and nothing else."""
    write(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([REFERENCE_NAME, EXAMPLE_NAME])


def test_the_example_loads_and_its_volume_is_large_enough() -> None:
    """Whoever starts from the example starts from something valid."""
    configuration = parse_configuration(example(), FOLDER / EXAMPLE_NAME)
    assert shortfall(configuration) is None


def test_the_example_loads_with_its_optional_keys_set_to_their_defaults() -> None:
    """The defaults that the example shows behind a # are the real ones."""
    plain = parse_configuration(example(), FOLDER / EXAMPLE_NAME)
    lines = []
    for line in example().splitlines():
        name = line.removeprefix("# ").split(" = ")[0]
        lines.append(
            line.removeprefix("# ") if name in Recorder.model_fields or name in ("floor", "transport") else line
        )
    assert parse_configuration("\n".join(lines), FOLDER / EXAMPLE_NAME) == plain


def test_every_key_is_in_both() -> None:
    """No key is forgotten in the reference or in the example."""
    for model in (Configuration, Camera, Recorder):
        for name, field in model.model_fields.items():
            key = field.alias or name
            assert key in reference()
            assert key in example()
            assert field.description
