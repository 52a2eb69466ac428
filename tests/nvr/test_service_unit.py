"""The service's unit is let write where the configuration says, and nowhere else."""

from pathlib import Path

import pytest

from kuramori.places import Places
from kuramori.service_unit import drop_in_text


def places(volume: str, cell: str = "/var/lib/kuramori/cell", mirror: str | None = None) -> Places:
    """A recorder's places."""
    return Places(
        state=Path("/var/lib/kuramori"),
        runtime=Path("/run/kuramori"),
        secrets=Path("/etc/kuramori/secrets"),
        volumes=(Path(volume),),
        cell=Path(cell),
        fallback_cell=None,
        ledger_mirror=Path(mirror) if mirror is not None else None,
    )


def test_the_usual_places_need_no_drop_in() -> None:
    """The unit itself lets the service write there."""
    assert drop_in_text(places("/srv/kuramori/volume0", mirror="/srv/kuramori/ledger-mirror.db")) is None


@pytest.mark.parametrize(
    ("volume", "line"),
    [
        ("/mnt/ring/volume0", "ReadWritePaths=-/mnt/ring"),
        ("/mnt/two words/50%/volume0", 'ReadWritePaths="-/mnt/two words/50%%"'),
        ("/dev/disk/by-id/ring", "DeviceAllow=/dev/disk/by-id/ring rw"),
    ],
)
def test_other_places_are_named(volume: str, line: str) -> None:
    """A folder by its path, quoted as systemd reads it; a device with leave to open it."""
    text = drop_in_text(places(volume, cell="/media/key"))
    assert text is not None
    lines = text.splitlines()
    assert line in lines
    assert "ReadWritePaths=-/media/key" in lines
    assert ("PrivateDevices=no" in lines) == volume.startswith("/dev")
