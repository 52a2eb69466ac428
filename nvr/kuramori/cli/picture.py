"""A picture in a terminal: two pixels in each character, in the terminal's second screen, gone when a key is pressed.

Nothing of it stays in the scroll-back. This module must not know where the picture comes from.
"""

import io
import sys
from collections.abc import Iterator

from kuramori.cli.client import CommandFailure
from kuramori.texts import tr

COLUMNS_MOST = 200
HALF_BLOCK = "▀"  # the upper half in the foreground's colour, the lower in the background's
SECOND_SCREEN, FIRST_SCREEN, CLEAR, RESET = "\x1b[?1049h", "\x1b[?1049l", "\x1b[2J\x1b[H", "\x1b[0m"


def show_in_terminal(jpeg: bytes) -> None:
    """Show a picture until Enter is pressed. Raises CommandFailure for one that cannot be drawn."""
    import shutil

    columns, rows = shutil.get_terminal_size()
    lines = list(drawn(jpeg, min(columns, COLUMNS_MOST), max(2, rows - 2)))
    try:
        sys.stdout.write(SECOND_SCREEN + CLEAR)
        sys.stdout.write("\n".join(lines) + RESET + "\n")
        sys.stdout.write(tr("Enter: clear the picture", "Enterキーで消去します"))
        sys.stdout.flush()
        if sys.stdin.isatty():
            sys.stdin.readline()
    finally:
        sys.stdout.write(RESET + CLEAR + FIRST_SCREEN)
        sys.stdout.flush()


def drawn(jpeg: bytes, columns: int, rows: int) -> Iterator[str]:
    """Yield a picture's lines as colours of half blocks, at most so wide and high. Raises CommandFailure."""
    pixels, width, height = _pixels(jpeg, columns, rows * 2)
    for top in range(0, height - 1, 2):
        line = []
        for column in range(width):
            upper = pixels[(top * width + column) * 3 :][:3]
            lower = pixels[((top + 1) * width + column) * 3 :][:3]
            line.append(
                f"\x1b[38;2;{upper[0]};{upper[1]};{upper[2]}m\x1b[48;2;{lower[0]};{lower[1]};{lower[2]}m{HALF_BLOCK}"
            )
        yield "".join(line) + RESET


def _pixels(jpeg: bytes, width_most: int, height_most: int) -> tuple[memoryview, int, int]:
    """Return RGB pixels, row by row without padding, scaled to fit."""
    import av
    import av.logging
    from av.error import FFmpegError

    av.logging.set_level(None)
    try:
        with av.open(io.BytesIO(jpeg), "r", format="jpeg_pipe") as container:
            frame = next(container.decode(video=0))
            scale = min(width_most / frame.width, height_most / frame.height, 1.0)
            width, height = max(2, int(frame.width * scale)), max(2, int(frame.height * scale) & ~1)
            small = frame.reformat(width=width, height=height, format="rgb24")
            plane = small.planes[0]
            data, stride = bytes(plane), plane.line_size
    except (FFmpegError, StopIteration, ValueError):
        raise CommandFailure(tr("The picture cannot be drawn.", "画像を表示できません。")) from None
    rows = b"".join(data[row * stride : row * stride + width * 3] for row in range(height))
    return memoryview(rows), width, height
