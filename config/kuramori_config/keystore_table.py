"""The table [keystore]: where the root of the epoch keys lives, and what is done where that cannot be reached.

This file must not read files or look at the machine.
"""

from enum import StrEnum

from kuramori_config.base_table import Table
from kuramori_config.faults import Wording
from kuramori_config.option import PATH, TEXT, YES_OR_NO, option
from kuramori_config.values import SECRET_NAME, TPM_INDEX, Location, SecretName, Switch, Text, TpmIndex


class CellKind(StrEnum):
    """What the erasable cell is."""

    FILE = "file"
    TPM = "tpm"


class Keystore(Table):
    """Where the root of the epoch keys lives: the place whose overwriting erases pictures."""

    cell: CellKind = option(
        "Where the root is kept and destroyed: in a file, or in the non-volatile memory of the machine's TPM 2.0 "
        "(tier E2 in a chip; a TPM in software is best effort, E0). A TPM needs the package tpm2-tools, and the "
        "service's account in the group that may use it (tss). Changing it needs a new `kuramori init`.",
        shape=Wording('"file" or "tpm"', '"file" または "tpm"'),
        example='"tpm"',
        default=CellKind.FILE,
    )
    cell_directory: Location | None = option(
        'Folder of the erasable cell; needed with cell = "file". On a device that is not the recording medium a copy '
        "of that medium shows nothing after expiry (tier E2); beside the volume it is best effort (tier E0).",
        shape=PATH,
        example='"/mnt/cell/kuramori"',
        default=None,
    )
    fallback_cell_directory: Location | None = option(
        "Folder of a second cell, used when the first one cannot be reached at the start: recording goes on under it, "
        "with its own tier shown. Without it the recorder then refuses to start.",
        shape=PATH,
        example='"/srv/kuramori-cell"',
        default=None,
    )
    tpm: Text = option(
        "How the TPM is reached: a TCTI of tpm2-tools.",
        shape=TEXT,
        example='"device:/dev/tpmrm0"',
        default="device:/dev/tpmrm0",
    )
    tpm_nv_index: TpmIndex = option(
        "The first of two indices of the TPM's non-volatile memory that are the recorder's own.",
        shape=TPM_INDEX,
        example='"0x01804b52"',
        default="0x01804b52",
    )
    tpm_owner_password: SecretName | None = option(
        "The name of the secret that holds the TPM's owner password, where one was set.",
        shape=SECRET_NAME,
        example='"tpm-owner"',
        default=None,
    )
    for_trial: Switch = option(
        "Accept a cell on a file system that keeps old contents (overlay, btrfs, memory and others). Never for real "
        "recordings: nothing is then claimed about erasure (tier E0).",
        shape=YES_OR_NO,
        example="false",
        default=False,
    )
