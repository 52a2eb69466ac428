"""Two number spaces of one camera: what was witnessed live, and what was fetched later from the camera's own card.

A camera's segments and access units are counted from 1; those that were filled from its card are counted from
`FIRST_FILLED_NUMBER` on, with a digest chain of their own. So each space grows by one while the other goes on beside
it, no number names two things, and the number alone says where a picture came from. Both stay below 2^53, so that
they are the same numbers in JSON. This module must not know segments, ledgers or rings.
"""

from kuramori_segments.codes import Provenance

FIRST_FILLED_NUMBER = 1 << 48


def provenance_of(number: int) -> Provenance:
    """Return the space that a segment's sequence, or an access unit's number, belongs to."""
    return Provenance.FILLED_FROM_CAMERA if number >= FIRST_FILLED_NUMBER else Provenance.LIVE


def first_number(provenance: Provenance) -> int:
    """Return where the counting of this space begins."""
    return FIRST_FILLED_NUMBER if provenance is Provenance.FILLED_FROM_CAMERA else 1
