"""Arithmetic of half-open time ranges, in milliseconds: joining, taking away, cutting. Pure; knows no clock."""

from collections.abc import Iterable

Range = tuple[int, int]  # [from, to)


def joined(ranges: Iterable[Range]) -> tuple[Range, ...]:
    """Return the ranges in order, those that touch or overlap made one, empty ones left out."""
    found: list[Range] = []
    for begin, end in sorted(ranges):
        if begin >= end:
            continue
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((begin, end))
    return tuple(found)


def without(ranges: Iterable[Range], taken: Iterable[Range]) -> tuple[Range, ...]:
    """Return what is left of joined ranges where joined others are taken away."""
    left = list(ranges)
    for begin, end in taken:
        left = [part for one in left for part in ((one[0], min(one[1], begin)), (max(one[0], end), one[1]))]
        left = [part for part in left if part[0] < part[1]]
    return tuple(left)


def within(ranges: Iterable[Range], begin: int, end: int) -> tuple[Range, ...]:
    """Return what of these ranges lies in [begin, end)."""
    cut = ((max(one[0], begin), min(one[1], end)) for one in ranges)
    return tuple(one for one in cut if one[0] < one[1])
