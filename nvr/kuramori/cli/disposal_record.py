"""A disposal record as the command line shows it (K6): the paper's own tree as Markdown, in the reader's language.

Pure. Must not know the desk.
"""

from datetime import tzinfo
from typing import Any

from kuramori.paper.disposal_paper import DisposalFacts, disposal_paper
from kuramori.paper.language import Language
from kuramori.paper.markdown import to_markdown
from kuramori.texts import japanese_wanted


def disposal_record(record: dict[str, Any], zone: tzinfo) -> str:
    """Return the record, open fields blank."""
    facts = DisposalFacts(**{name: record[name] for name in DisposalFacts.__slots__})
    say = Language.JAPANESE if japanese_wanted() else Language.ENGLISH
    return to_markdown(disposal_paper(facts, say, zone)).rstrip("\n")
