"""Checks of what would be left when the machine dies."""

from collections.abc import Iterator

from kuramori.cells import open_cells
from kuramori.doctor.examination import Case
from kuramori.doctor.finding import Finding, fine
from kuramori.identity import IdentityFault, read_identity
from kuramori.survival_texts import survival_advice, survival_claim
from kuramori_segments.keystore_faults import CellUnusable, PlaceRefused

TPM_TIMEOUT_SECONDS = 5.0


def check_survival(case: Case) -> Iterator[Finding]:
    """Say beforehand whether pictures would survive the machine. No fault either way: it is a choice."""
    try:
        read_identity(case.places.identity)
        assessment = open_cells(case.configuration, case.places, timeout_seconds=TPM_TIMEOUT_SECONDS)[0].assessment
    except (IdentityFault, OSError, PlaceRefused, CellUnusable):
        return  # said by the checks of identity and tier
    yield fine("survival", f"{survival_claim(assessment)} {survival_advice()}")
