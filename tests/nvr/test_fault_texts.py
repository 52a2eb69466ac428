"""Every fault of camera, medium and volume has a sentence in both languages, and the English one is its own."""

from collections.abc import Iterator
from errno import EIO, ENOSPC, EROFS
from pathlib import Path

import pytest

from kuramori.camera_fault_texts import camera_fault_text
from kuramori.storage_fault_texts import storage_fault_text
from kuramori.texts import both
from kuramori.volume_return import VolumeAway, VolumeForeign
from kuramori_onvif import errors
from kuramori_segments import storage_fault as storage

AT = "192.0.2.7:80"
CAMERA_FAULTS = (
    errors.CameraUnreachable(AT, "GetProfiles", "no route"),
    errors.ConnectionClosed(AT, "GetProfiles"),
    errors.DeadlineExceeded(AT, "GetProfiles", 10.0),
    errors.CertificateUntrusted(AT, "GetProfiles", "another one", presented="ab" * 32, expected="cd" * 32),
    errors.AnswerTooLarge(AT, "GetProfiles", "bytes", 1000),
    errors.AnswerMalformed(AT, "GetProfiles", "no XML"),
    errors.DatagramMalformed(AT, "no XML"),
    errors.AnswerRedirected(AT, "GetProfiles", 302),
    errors.AddressRefused(AT, "GetStreamUri", "a password inside"),
    errors.CameraFault(AT, "GetProfiles", ("Sender", "NotAuthorized"), "go away"),
    errors.OperationUnsupported(AT, "GetMasks", (), ""),
    errors.CredentialsMissing(AT, "GetProfiles"),
    errors.CredentialsRefused(AT, "GetProfiles", ("digest", "token")),
    errors.EventsUnsupported(AT, "no service"),
    errors.SubscriptionLost(AT, "PullMessages", "unknown"),
    errors.CardUnsupported(AT, "FindRecordings", "search"),
    errors.NoSuitableProfile(AT, "main", ("sub",)),
    errors.NoSuitableProfile(AT, None, ()),
    errors.DiscoveryImpossible("no interface"),
)
PLACE = "/srv/volume0"
STORAGE_FAULTS = (
    storage.StorageFault(EIO, "read", ()),
    storage.MediumFault(EIO, "write", ((0, 4096),)),
    storage.MediumFull(ENOSPC, "write", tuple((offset, 1) for offset in range(9))),
    storage.MediumReadOnly(EROFS, "sync", ((0, 4096),)),
    storage.BeyondEnd(EIO, "read", ((0, 4096),)),
    storage.VolumeTooSmall(PLACE, 1, 2),
    storage.NoSpace(PLACE, 10, 3),
    storage.VolumeExists(PLACE),
    storage.VolumeInUse(PLACE),
    storage.NotAVolume(PLACE, "checksum"),
    storage.VolumeCut(PLACE, 1, 2),
    storage.VolumeNotGrown(PLACE, 1, 2),
    VolumeAway(Path(PLACE)),
    VolumeForeign(Path(PLACE)),
)


def kinds_below(kind: type[Exception]) -> Iterator[type[Exception]]:
    for below in kind.__subclasses__():
        if below.__module__.startswith("kuramori"):
            yield below
            yield from kinds_below(below)


@pytest.mark.parametrize("fault", CAMERA_FAULTS, ids=lambda fault: type(fault).__name__)
def test_a_fault_of_a_camera_is_said_in_both_languages(fault: errors.OnvifError) -> None:
    """The English sentence is the fault's own; the Japanese one names the same camera."""
    said = both(camera_fault_text(fault))
    assert said.english == str(fault)
    assert not said.japanese.isascii()
    assert fault.camera in said.japanese


@pytest.mark.parametrize("fault", STORAGE_FAULTS, ids=lambda fault: type(fault).__name__)
def test_a_fault_of_a_medium_is_said_in_both_languages(fault: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """The English sentence is the fault's own; the Japanese one names the same place."""
    monkeypatch.setenv("LC_ALL", "C")
    said = both(storage_fault_text(fault))
    assert said.english == str(fault)
    assert not said.japanese.isascii()
    assert PLACE in said.japanese or isinstance(fault, storage.StorageFault)


def test_no_kind_of_fault_was_forgotten() -> None:
    """Each class that the rooms raise stands in the lists above."""
    shown = {type(fault) for fault in (*CAMERA_FAULTS, *STORAGE_FAULTS)}
    roots = (errors.OnvifError, storage.StorageFault, storage.VolumeRefused)
    assert {kind for root in roots for kind in kinds_below(root)} <= shown
