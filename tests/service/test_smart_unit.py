"""The unit that asks drives, in a booted systemd: it runs under its hardening, and leaves its folder behind."""

from pathlib import Path

import pytest

from tests.fakes.booted_machine import booted_machine, with_kuramori

UNIT = "kuramori-smart.service"


@pytest.mark.root
def test_the_unit_asks_and_leaves_its_folder(tmp_path: Path) -> None:
    """As root with two rights; what it leaves is there after it has ended, and the timer goes on."""
    with booted_machine(tmp_path / "machine", boot=False) as machine:
        with_kuramori(machine)
        machine.boot()
        machine.run("systemctl", "start", "kuramori-smart.timer", UNIT, check=False)
        assert machine.show(UNIT, "Result") == "success", machine.journal(UNIT)
        assert "drives asked" in machine.journal(UNIT)
        folder = machine.run("stat", "-c", "%a %U", "/run/kuramori-smart").stdout
        assert folder.split() == ["755", "root"]
        assert machine.show("kuramori-smart.timer", "ActiveState") == "active"
