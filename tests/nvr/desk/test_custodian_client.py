"""What a custodian's machine needs for `kuramori approve`: nothing that exists on Linux only, no media library."""

import ast
import subprocess
import sys
from pathlib import Path

LINUX_ONLY = {
    "fcntl",
    "termios",
    "pwd",
    "grp",
    "resource",
    "posix",
    "syslog",
    "pty",
    "uvloop",
    "crypt",
}
NOT_NEEDED = ("av", "uvicorn", "fastapi", "starlette", "lxml", "onvif", "zeep", "numpy", "aiofiles")
WALK = """
import sys, ast, importlib
from pathlib import Path
import kuramori.cli.approve
source = Path(kuramori.cli.approve.__file__)
names = {"kuramori.cli.approve"}
for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
    if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("kuramori"):
        importlib.import_module(node.module)
print("\\n".join(sorted(sys.modules)))
print("--")
print("\\n".join(sorted(getattr(m, "__file__", "") or "" for n, m in sys.modules.items() if n.startswith("kuramori"))))
"""


def test_approve_imports_no_media_library_no_server_and_nothing_of_linux_alone() -> None:
    """Importing everything that the command uses loads none of the recorder's libraries or platform modules."""
    output = subprocess.run([sys.executable, "-c", WALK], capture_output=True, text=True, check=True).stdout
    modules, _, files = output.partition("--\n")
    loaded = set(modules.split())
    assert "kuramori.desk.package" in loaded
    assert sorted(loaded.intersection(NOT_NEEDED)) == []
    for name in files.split():
        tree = ast.parse(Path(name).read_text(encoding="utf-8"))
        imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert not imported & LINUX_ONLY, name


def test_clip_imports_no_media_library() -> None:
    """The handler's client only unpacks; media stay in the worker."""
    code = "import sys, kuramori.cli.clip, kuramori.cli.bundle_folder, kuramori.desk.combining; print(*sys.modules)"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not set(output.split()).intersection(NOT_NEEDED)
