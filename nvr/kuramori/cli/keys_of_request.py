"""The keys of a granted request, put together on the handler's machine from what its custodians approved.

For the commands that open a request. Must not know what is done with the pictures.
"""

import base64
from pathlib import Path
from typing import TYPE_CHECKING

from kuramori.cli.client import CommandFailure, DeskClient
from kuramori.cli.options import request_path
from kuramori.texts import japanese_wanted, tr

if TYPE_CHECKING:
    from kuramori.desk.extraction_key import ExtractionKey


def read_extraction_key(path: Path) -> "ExtractionKey":
    """Read the key that was made when the request was filed. Raises CommandFailure."""
    from kuramori.desk.extraction_key import ExtractionKeyFault, read_key

    try:
        return read_key(path)
    except ExtractionKeyFault as fault:
        raise CommandFailure(fault.japanese if japanese_wanted() else fault.english) from fault


def combined_deks(desk: DeskClient, number: str, key: "ExtractionKey") -> dict[str, str]:
    """Open the re-sealed shares and return the key of each segment, as the API takes it. Raises CommandFailure."""
    from kuramori.desk.combining import CombiningFault, combine_shares

    found = desk.get_json(request_path(number, "shares"))
    try:
        granted = base64.b64decode(found["granted"], validate=True)
        approvals = [base64.b64decode(text, validate=True) for text in found["approvals"]]
        deks = combine_shares(granted, approvals, key)
    except CombiningFault as fault:
        raise CommandFailure(fault.japanese if japanese_wanted() else fault.english) from fault
    except (KeyError, TypeError, ValueError) as error:
        raise CommandFailure(tr("The desk's answer cannot be read.", "受付(desk)の応答を解釈できません。")) from error
    return {uid.hex(): base64.b64encode(dek).decode("ascii") for uid, dek in deks.items()}
