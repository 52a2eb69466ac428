"""A cell in a TPM: written, read and destroyed in a real one in software, which is also killed, stopped and broken."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from kuramori_segments.keystore import Keystore
from kuramori_segments.keystore_faults import (
    CellUnusable,
    EpochKeyGone,
    ErasureIncomplete,
    KeystoreExists,
    RootGone,
    RotationFailed,
)
from kuramori_segments.store_files import DirectoryFiles
from kuramori_segments.tier import ErasureTier, TierReason
from kuramori_segments.tpm_cell import CONTENT_BYTES, SOFTWARE_MAKERS, TpmCell, assess_tpm, open_tpm_cells
from kuramori_segments.tpm_tools import Maker, TpmFailed, TpmTools
from tests.fakes.simulated_tpm import CHIP
from tests.fakes.software_tpm import INDEX, PASSWORD, SoftwareTpm, software_tpm

ROOT = bytes(range(32))
BOOT = b"\x0b" * 16
UID = b"\x02" * 16
SHORT_SECONDS = 0.5


@pytest.fixture
def tpm(tmp_path: Path) -> Iterator[SoftwareTpm]:
    with software_tpm(tmp_path) as running:
        yield running


def cells(tpm: SoftwareTpm, timeout_seconds: float = 10.0) -> tuple[TpmCell, TpmCell]:
    tools = tpm.tools(timeout_seconds)
    return TpmCell(tools, INDEX, PASSWORD, CHIP), TpmCell(tools, INDEX + 1, PASSWORD, CHIP)


# ---- one cell ----------------------------------------------------------------------------------------------


def test_a_cell_holds_a_root_until_it_is_destroyed(tpm: SoftwareTpm) -> None:
    """Nothing, a root, another one, nothing; the two cells do not know each other, and the index is gone."""
    first, second = cells(tpm)
    assert (first.read(), second.read()) == (None, None)
    first.write(ROOT)
    assert (first.read(), second.read()) == (ROOT, None)
    first.write(ROOT[::-1])
    assert first.read() == ROOT[::-1]
    first.destroy()
    first.destroy()
    assert first.read() is None
    assert tpm.tools().indices() == {}


def test_a_root_survives_the_power(tpm: SoftwareTpm) -> None:
    """Non-volatile."""
    first, _ = cells(tpm)
    first.write(ROOT)
    tpm.kill()
    tpm.start()
    assert first.read() == ROOT


def test_an_index_that_was_made_and_never_written_holds_no_root(tpm: SoftwareTpm) -> None:
    """The power went between the two commands."""
    first, _ = cells(tpm)
    tpm.tools().define(INDEX, CONTENT_BYTES, ("authread", "authwrite", "no_da"), PASSWORD)
    assert first.read() is None
    first.destroy()
    assert tpm.tools().indices() == {}


def test_content_that_is_not_whole_holds_no_root(tpm: SoftwareTpm) -> None:
    """Our shape, other bytes: none, rather than a wrong one."""
    first, _ = cells(tpm)
    first.write(ROOT)
    tpm.tools().write(INDEX, PASSWORD, bytes(CONTENT_BYTES))
    assert first.read() is None


def test_an_index_of_another_program_is_neither_read_nor_removed(tpm: SoftwareTpm) -> None:
    """Its number is refused with the option to change."""
    first, _ = cells(tpm)
    assert (
        tpm.command("tpm2_nvdefine", f"{INDEX:#x}", "-C", "o", "-s", "8", "-a", "ownerread|ownerwrite").returncode == 0
    )
    for act in (first.read, first.destroy, lambda: first.write(ROOT)):
        with pytest.raises(CellUnusable, match="tpm_nv_index"):
            act()
    assert INDEX in tpm.tools().indices()


def test_other_passwords_open_nothing(tpm: SoftwareTpm) -> None:
    """Another account that may use the TPM, but not our state directory."""
    first, _ = cells(tpm)
    first.write(ROOT)
    stranger = TpmCell(tpm.tools(), INDEX, b"x" * 32, CHIP)
    for act in (stranger.read, stranger.destroy, lambda: stranger.write(ROOT)):
        with pytest.raises(CellUnusable, match="the password is wrong"):
            act()
    assert first.read() == ROOT


def test_no_secret_is_an_argument_or_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program in the place of the real ones notes what everybody on the machine could see of it."""
    seen = tmp_path / "seen"
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("tpm2_nvdefine", "tpm2_nvwrite", "tpm2_nvread", "tpm2_nvundefine"):
        program = programs / name
        program.write_text(f"#!/bin/sh\ncat /proc/$$/cmdline /proc/$$/environ >> {seen}\ncat > /dev/null\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    tools = TpmTools("swtpm:path=x", b"owner-secret")
    tools.define(INDEX, CONTENT_BYTES, ("authread",), PASSWORD)
    tools.write(INDEX, PASSWORD, ROOT)
    tools.read(INDEX, PASSWORD, CONTENT_BYTES)
    tools.undefine(INDEX)
    noted = seen.read_bytes()
    assert noted.count(b"tpm2_nv") >= 4
    for secret in (PASSWORD, b"owner-secret", ROOT):
        assert secret not in noted
    assert "owner-secret" not in repr(tools)
    assert PASSWORD.decode() not in repr(TpmCell(tools, INDEX, PASSWORD, CHIP))


# ---- a TPM that fails --------------------------------------------------------------------------------------


def test_a_tpm_locked_out_by_others_still_serves_its_cells(tpm: SoftwareTpm) -> None:
    """Somebody else's wrong passwords lock objects with dictionary protection; a cell is none of them."""
    first, _ = cells(tpm)
    first.write(ROOT)
    other = "0x01800100"
    assert (
        tpm.command("tpm2_nvdefine", other, "-C", "o", "-s", "8", "-a", "authread|authwrite", "-p", "a").returncode == 0
    )
    said = b""
    for _ in range(40):
        said = tpm.command("tpm2_nvread", other, "-C", other, "-P", "wrong", "-s", "8").stderr
        if b"0x921" in said.lower() or b"0x00000921" in said:
            break
    assert b"lockout" in said
    assert first.read() == ROOT
    first.destroy()
    assert first.read() is None


def test_an_owner_password_is_needed_where_the_tpm_has_one(tpm: SoftwareTpm) -> None:
    """Without it destroying fails, loudly, and the root is there still; with it it succeeds."""
    first, _ = cells(tpm)
    first.write(ROOT)
    assert tpm.command("tpm2_changeauth", "-c", "o", "theowner").returncode == 0
    with pytest.raises(CellUnusable, match="the password is wrong"):
        first.destroy()
    assert first.read() == ROOT
    TpmCell(tpm.tools(owner_password=b"theowner"), INDEX, PASSWORD, CHIP).destroy()
    assert first.read() is None


def test_a_tpm_that_is_gone_silent_or_in_failure_mode_is_named(tpm: SoftwareTpm) -> None:
    """Each failure of the three has its words; none hangs."""
    first, second = cells(tpm, SHORT_SECONDS)
    first.write(ROOT)
    tpm.freeze()
    with pytest.raises(CellUnusable, match=r"no answer within 0\.5 s"):
        first.read()
    tpm.thaw()
    assert first.read() == ROOT
    tpm.lose_memory()
    with pytest.raises(CellUnusable):
        second.write(ROOT)
    with pytest.raises(CellUnusable, match="failure mode"):
        first.destroy()
    tpm.kill()
    with pytest.raises(CellUnusable, match="cannot be reached"):
        first.read()
    with pytest.raises(CellUnusable, match="cannot be reached"):
        open_tpm_cells(tpm.tools(), INDEX, PASSWORD)


def test_missing_programs_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The sentence says what to install."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(TpmFailed, match="install tpm2-tools"):
        TpmTools().indices()


# ---- the tier ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", ["INTC", "AMD", "IFX", "STM", "NTC"])
def test_a_chip_is_a_device_of_its_own(vendor: str) -> None:
    """E2: no copy of the recording medium holds it."""
    assert assess_tpm(Maker(vendor, "x")).tier is ErasureTier.E2


@pytest.mark.parametrize("vendor", [*sorted(SOFTWARE_MAKERS), ""])
def test_a_tpm_in_software_claims_nothing(vendor: str) -> None:
    """What it keeps lies in a file of some host: E0, and why."""
    assessment = assess_tpm(Maker(vendor, "x"))
    assert (assessment.tier, assessment.reason) == (ErasureTier.E0, TierReason.SOFTWARE_TPM)


def test_the_software_tpm_of_this_test_is_recognised(tpm: SoftwareTpm) -> None:
    """It says who made it, and so claims nothing."""
    first, second = open_tpm_cells(tpm.tools(), INDEX, PASSWORD)
    assert first.assessment.reason is second.assessment.reason is TierReason.SOFTWARE_TPM


# ---- a keystore on it --------------------------------------------------------------------------------------


@pytest.fixture
def files(tmp_path: Path) -> DirectoryFiles:
    return DirectoryFiles.make(tmp_path / "keystore")


def test_a_keystore_rotates_erases_and_opens_again(tpm: SoftwareTpm, files: DirectoryFiles) -> None:
    """One epoch dies, one lives; the receipt names the index and the tier; one root is left in the TPM."""
    store = Keystore.create(files, cells(tpm), boot_id=BOOT)
    dying, living = store.new_epoch(1, 1, 1), store.new_epoch(2, 2, 2)
    key = store.segment_key(living.epoch_id, UID)
    receipt = store.rotate({dying.epoch_id}, 3)
    assert (receipt.tier, receipt.epochs) == (ErasureTier.E2, (dying,))
    assert f"{INDEX:#010x}" in receipt.cell
    assert set(tpm.tools().indices()) == {INDEX + 1}
    store.close()
    store = Keystore.open(files, cells(tpm), boot_id=BOOT)
    assert store.segment_key(living.epoch_id, UID) == key
    with pytest.raises(EpochKeyGone):
        store.segment_key(dying.epoch_id, UID)
    store.close()


def test_a_second_recorder_does_not_take_the_same_indices(
    tpm: SoftwareTpm, files: DirectoryFiles, tmp_path: Path
) -> None:
    """There is a root already: making another keystore would destroy it."""
    Keystore.create(files, cells(tpm), boot_id=BOOT).close()
    with pytest.raises(KeystoreExists):
        Keystore.create(DirectoryFiles.make(tmp_path / "other"), cells(tpm), boot_id=BOOT)


def test_without_the_tpm_recording_goes_on_and_nothing_is_erased(tpm: SoftwareTpm, files: DirectoryFiles) -> None:
    """New epochs are made with the root in memory; rotations fail and say so; when it is back, all is made good."""
    store = Keystore.create(files, cells(tpm, SHORT_SECONDS), boot_id=BOOT)
    dying = store.new_epoch(1, 1, 1)
    tpm.kill()
    with pytest.raises(RotationFailed) as caught:
        store.rotate({dying.epoch_id}, 2)
    assert caught.value.step == 1
    later = store.new_epoch(1, 3, 3)
    assert store.epochs() == (dying, later)
    tpm.start()
    store.rotate({dying.epoch_id}, 4)
    assert store.epochs() == (later,)
    store.close()
    assert Keystore.open(files, cells(tpm), boot_id=BOOT).epochs() == (later,)


def test_a_tpm_that_fails_at_the_moment_of_erasure_leaves_it_pending(tpm: SoftwareTpm, files: DirectoryFiles) -> None:
    """The old root could not be destroyed: the alarm is up until a later rotation has destroyed it."""

    class Vanishing(TpmTools):
        def undefine(self, index: int) -> None:
            tpm.freeze()
            try:
                super().undefine(index)
            finally:
                tpm.thaw()

    tools = Vanishing(tpm.tcti, timeout_seconds=SHORT_SECONDS)
    failing = TpmCell(tools, INDEX, PASSWORD, CHIP)
    store = Keystore.create(files, (failing, cells(tpm)[1]), boot_id=BOOT)
    dying = store.new_epoch(1, 1, 1)
    with pytest.raises(ErasureIncomplete):
        store.rotate({dying.epoch_id}, 2)
    assert store.erasure_pending
    assert store.decryptable() == (dying,)
    store.close()
    store = Keystore.open(files, cells(tpm), boot_id=BOOT)
    assert not store.erasure_pending
    assert store.decryptable() == ()
    store.close()


def test_a_cleared_tpm_has_erased_everything(tpm: SoftwareTpm, files: DirectoryFiles) -> None:
    """`tpm2_clear` removes the owner's indices: the keystore says that the root is gone, and makes none up."""
    Keystore.create(files, cells(tpm), boot_id=BOOT).close()
    assert tpm.command("tpm2_clear").returncode == 0
    with pytest.raises(RootGone):
        Keystore.open(files, cells(tpm), boot_id=BOOT)
