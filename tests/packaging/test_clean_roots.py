"""The README's first command in a clean Debian 12 and 13, as root and as an ordinary user, on a clone of HEAD."""

import subprocess
from pathlib import Path

import pytest

from tests.peers import require_program, require_root

SCRIPT = Path(__file__).parents[2] / "packaging/debian/try_in_clean_root.sh"


@pytest.mark.root
@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.parametrize(("release", "account"), [("bookworm", "root"), ("trixie", "visitor")])
def test_the_demo_tells_its_story_in_a_clean_debian(release: str, account: str) -> None:
    """`make demo` installs what it needs, tells the whole story and ends well."""
    require_root()
    for program in ("debootstrap", "systemd-nspawn", "git"):
        require_program(program)
    done = subprocess.run([SCRIPT, release, account, "demo"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout[-3000:], done.stderr[-3000:])
    assert "That was the whole story. Nothing is left running." in done.stdout
