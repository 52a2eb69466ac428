"""`kuramori --version` says which one is installed, as its distribution is numbered."""

import importlib.metadata

from typer.testing import CliRunner

from kuramori.cli.main import build


def test_the_command_says_its_version() -> None:
    """The number of the installed distribution."""
    result = CliRunner().invoke(build(), ["--version"])
    assert result.exit_code == 0
    assert result.output == f"kuramori {importlib.metadata.version('kuramori')}\n"
