"""Joins pieces of a volume that lie one behind the other into one write. Pure; it must not know what they hold."""

from collections.abc import Iterable, Sequence

from kuramori_segments.block_layout import BytesLike

Run = tuple[int, list[BytesLike]]


def merged_runs(pieces: Iterable[tuple[int, Sequence[BytesLike]]]) -> list[Run]:
    """Return the pieces in the order of their offsets, neighbours joined into one run."""
    runs: list[Run] = []
    end = -1
    for offset, buffers in sorted(pieces, key=lambda piece: piece[0]):
        if offset == end:
            runs[-1][1].extend(buffers)
        else:
            runs.append((offset, list(buffers)))
            end = offset
        end += sum(map(len, buffers))
    return runs
