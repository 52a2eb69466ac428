"""Damages XML as a tree, so that it stays well-formed and gets past the first gate. Pure for a given generator."""

import copy
import random

from lxml import etree

from tests.fuzz.mutation import mutated

BLIND_CHANCE = 0.2
MOST_STEPS = 5
TEXTS = (
    "", " ", "x", "true", "-1", "0", "1e9", "99999999999999999999", "25.0", "PT5S", "PT-1S", "P99999999Y", "::", "urn:",
    "2026-11-23T00:61:16Z", "2010-01-01-00:00:00", "2026-11-23 10:00:00", "rtsp://:0/", "http://[::1", "http://h:99999/",
    "tns1:Device/HardwareFailure/StorageFailure", "\u202e\u0000".replace("\u0000", ""), "名" * 300, "a" * 5000,
)  # fmt: skip


def xml_damaged(rng: random.Random, seeds: tuple[bytes, ...]) -> bytes:
    """Return a seed whose elements were dropped, doubled, moved, renamed or refilled; at times blindly damaged."""
    if rng.random() < BLIND_CHANCE:
        return mutated(rng, seeds)
    root = etree.fromstring(rng.choice(seeds))
    for _ in range(rng.randint(1, MOST_STEPS)):
        _step(rng, root)
    return etree.tostring(root)


def _step(rng: random.Random, root: etree._Element) -> None:
    elements = [element for element in root.iter() if isinstance(element.tag, str)]
    element = rng.choice(elements)
    parent = element.getparent()
    match rng.randrange(8):
        case 0 if parent is not None:
            parent.remove(element)
        case 1 if parent is not None and len(elements) < 2000:
            for _ in range(rng.choice((1, 1, 2, 30))):
                parent.append(copy.deepcopy(element))
        case 2 if parent is not None:
            target = rng.choice(elements)
            if element not in set(target.iterancestors()) | {target}:
                target.append(element)
        case 3:
            element.tag = etree.QName("urn:other", etree.QName(element).localname).text
        case 4:
            element.tag = rng.choice(elements).tag
        case 5 if element.attrib:
            name = rng.choice(list(element.attrib))
            element.set(name, rng.choice(TEXTS))
        case 6 if element.attrib:
            del element.attrib[rng.choice(list(element.attrib))]
        case _:
            element.text = rng.choice(TEXTS)
