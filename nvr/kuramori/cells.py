"""Opens the cells that the configuration names: files on a device of their own, or indices of the machine's TPM.

This module must not know what a root opens, nor what is done where a cell cannot be reached.
"""

import secrets

from kuramori.durable_file import write_file
from kuramori.places import Places
from kuramori_config.faults import SecretRefused
from kuramori_config.schema import CellKind, Configuration
from kuramori_config.secrets import credentials_directory, read_secret
from kuramori_segments.erasable_cell import Cell, open_file_cells
from kuramori_segments.keystore_faults import CellUnusable, PlaceFault, PlaceRefused
from kuramori_segments.tpm_cell import PASSWORD_BYTES, open_tpm_cells
from kuramori_segments.tpm_tools import TIMEOUT_SECONDS, TpmTools

Cells = tuple[Cell, Cell]


def open_cells(
    configuration: Configuration,
    places: Places,
    *,
    timeout_seconds: float = TIMEOUT_SECONDS,
    for_trial: bool = False,
) -> Cells:
    """Return the two cells of the keystore, with their tier. Raises CellUnusable, PlaceRefused.

    `for_trial`: whatever their place is, as with keystore.for_trial.
    """
    if places.cell is not None:
        for_trial = for_trial or configuration.keystore.for_trial
        return open_file_cells(places.cell, places.volumes, for_trial=for_trial)
    tools = tpm_tools(configuration, places, timeout_seconds)
    try:
        password = places.tpm_password.read_bytes()[:PASSWORD_BYTES]
    except OSError as error:
        raise CellUnusable(
            f"TPM {tools.tcti}", "reach", error.errno or 0, f"{places.tpm_password} is missing"
        ) from error
    return open_tpm_cells(tools, int(configuration.keystore.tpm_nv_index, 16), password)


def open_fallback_cells(configuration: Configuration, places: Places) -> Cells:
    """Return the two cells of the fallback. Raises PlaceRefused."""
    if places.fallback_cell is None:
        raise PlaceRefused("keystore.fallback_cell_directory", PlaceFault.MISSING)
    return open_file_cells(places.fallback_cell, places.volumes, for_trial=configuration.keystore.for_trial)


def tpm_tools(configuration: Configuration, places: Places, timeout_seconds: float = TIMEOUT_SECONDS) -> TpmTools:
    """Return the way to the TPM. Raises CellUnusable where its owner's password cannot be read."""
    keystore = configuration.keystore
    if keystore.tpm_owner_password is None:
        return TpmTools(keystore.tpm, b"", timeout_seconds)
    try:
        secret = read_secret(
            keystore.tpm_owner_password,
            credentials_directory=credentials_directory(),
            secrets_directory=places.secrets,
        )
    except SecretRefused as refused:
        raise CellUnusable(f"TPM {keystore.tpm}", "reach", 0, str(refused)) from refused
    return TpmTools(keystore.tpm, secret.reveal().encode(), timeout_seconds)


def make_cell_password(configuration: Configuration, places: Places) -> None:
    """Make the password of the indices, once at the set-up, where the cells are in a TPM. Raises OSError."""
    if configuration.keystore.cell is CellKind.TPM:
        write_file(places.tpm_password, secrets.token_hex(PASSWORD_BYTES // 2).encode())
