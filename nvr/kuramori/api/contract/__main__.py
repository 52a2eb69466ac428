"""`python -m kuramori.api.contract` writes the API's document, `kuramori/api/openapi.json`, from the code.

Run it after every change of the API and commit the result: a test compares both. Must not know the document's inside.
"""

import json

from kuramori.api.app import routed_app
from kuramori.api.contract.document import document_of
from kuramori.api.rules import DOCUMENT


def written() -> str:
    """Return the document as it is committed."""
    return json.dumps(document_of(routed_app()), ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    DOCUMENT.write_text(written(), encoding="utf-8")
