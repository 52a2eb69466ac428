"""XML from strangers: parsed strictly, in bounded time and memory, or refused.

UTF-8 only (whatever the declaration says), no DTD and so no entities, nothing fetched, bounded number of tags and
depth. Never a repaired tree: what is malformed must not read as "nothing configured". This module must not know
what the document is about. Public: raises ValueError subclasses only (`Refused`, `TooMuch`); callers turn them
into their own errors.
"""

from collections.abc import Iterator

from lxml import etree

Element = etree._Element

MAX_BODY_BYTES = 4 * 1024 * 1024
MAX_TAGS = 60_000  # counted as "<": the largest honest answer seen (24 profiles) has about 5,000
MAX_DEPTH = 64
MAX_TEXT_CHARACTERS = 512  # what we keep of one text
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Refused(ValueError):
    """Not a document that we read; the text says why."""


class TooMuch(ValueError):
    """A limit is exceeded: `what` (plural) and `limit`."""

    def __init__(self, what: str, limit: int) -> None:
        super().__init__(f"more than {limit} {what}")
        self.what = what
        self.limit = limit


def parse(body: bytes, *, max_bytes: int = MAX_BODY_BYTES, max_tags: int = MAX_TAGS) -> Element:
    """Parse a document. Raises Refused (not UTF-8, DTD, malformed, too deep) or TooMuch (bytes, tags)."""
    if len(body) > max_bytes:
        raise TooMuch("bytes", max_bytes)
    if body.count(b"<") > max_tags:
        raise TooMuch("tags", max_tags)
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused(f"not UTF-8 at byte {error.start}") from None
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise Refused("it carries a document type definition")
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        recover=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(body.removeprefix(_BYTE_ORDER_MARK).lstrip(), parser)
    except (etree.LxmlError, ValueError) as error:
        raise Refused(f"not well-formed XML: {error}") from None
    if root is None or _too_deep(root):
        raise Refused(f"nested deeper than {MAX_DEPTH}" if root is not None else "empty")
    return root


def _too_deep(root: Element) -> bool:
    depth = 0
    for event, _element in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if depth > MAX_DEPTH:
            return True
    return False


def namespace(element: Element) -> str:
    """Return the element's namespace, "" if none."""
    return etree.QName(element).namespace or ""


def local_name(element: Element) -> str:
    """Return the element's name without namespace."""
    return etree.QName(element).localname


def children(element: Element, name: str) -> Iterator[Element]:
    """Yield the children with this local name, whatever their namespace: cameras mix them up."""
    for candidate in element:
        if local_name(candidate) == name:
            yield candidate


def child(element: Element | None, *path: str) -> Element | None:
    """Return the first descendant along this path of local names, or None."""
    for name in path:
        if element is None:
            return None
        element = next(children(element, name), None)
    return element


def first(element: Element | None) -> Element | None:
    """Return the first child of an element, or None."""
    return None if element is None else next(iter(element), None)


def text(element: Element | None, *path: str) -> str:
    """Return the text at this path: one line, stripped, cut to MAX_TEXT_CHARACTERS; "" where nothing is."""
    found = child(element, *path)
    if found is None or not found.text:
        return ""
    return one_line(found.text)


def whole_text(element: Element | None, *path: str, limit: int) -> str:
    """Return the stripped text at this path whole, for what means nothing when cut; "" where it is longer."""
    found = child(element, *path)
    words = "" if found is None or not found.text or len(found.text) > 2 * limit else found.text.strip()
    return words if len(words) <= limit else ""


def one_line(words: str) -> str:
    """Return words without control characters and doubled spaces, cut to MAX_TEXT_CHARACTERS."""
    printable = "".join(character if character.isprintable() else " " for character in words)
    return " ".join(printable.split())[:MAX_TEXT_CHARACTERS]
