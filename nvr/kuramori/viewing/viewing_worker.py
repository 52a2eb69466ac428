"""The viewing worker: opens what one job names and answers, for as long as somebody looks, with pictures; then ends.

    python -m kuramori.viewing.viewing_worker       job, then asks, on standard input; answers on standard output

It confines itself before the job, with its keys, is read: no network, no file of any size, no swap, no core dump; it
dies with its parent. Nothing is proven here and nothing kept. Must not know the desk or the recorder.
"""

import contextlib
import fcntl
import importlib
import os
import resource
import sys
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from kuramori.clips.confinement import confine

if TYPE_CHECKING:
    from kuramori.viewing.watching import Watching

OUTPUT = 1
PIPE_BYTES = 1 << 20


def main() -> None:
    """Answer until standard input ends."""
    confine()
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    sys.excepthook = _say_unexpected
    for name in ("clips.job_codec", "viewing.picture_wire", "viewing.watching"):  # heavy; only now, confined
        importlib.import_module(f"kuramori.{name}")
    from kuramori.clips.job import ExtractionFailed
    from kuramori.clips.job_codec import read_job
    from kuramori.viewing.picture_wire import Fault, encode_fault, encode_ready
    from kuramori.viewing.watching import Watching

    with contextlib.suppress(OSError):  # where the system refuses a wide pipe, it is only slower
        fcntl.fcntl(OUTPUT, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    try:
        watching = Watching(read_job(sys.stdin.buffer))
    except ExtractionFailed as failed:
        _write(encode_fault(Fault(failed.fault.value, failed.detail)))
        return
    _write(encode_ready())
    while line := sys.stdin.buffer.readline():
        _answer(watching, line)


def _answer(watching: "Watching", line: bytes) -> None:
    from kuramori.clips.job import ExtractionFailed
    from kuramori.viewing.picture_wire import Fault, encode_fault, encode_piece, read_ask

    try:
        answer = encode_piece(watching.answer(read_ask(line)))
    except ExtractionFailed as failed:
        answer = encode_fault(Fault(failed.fault.value, failed.detail))
    _write(answer)


def _write(data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(OUTPUT, view) :]


def _say_unexpected(kind: type[BaseException], _error: BaseException, trace: TracebackType | None) -> None:
    """Name a fault of ours by its kind and place: its text might hold anything."""
    from kuramori.viewing.picture_wire import Fault, encode_fault

    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f" in {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else ""
    _write(encode_fault(Fault("worker-died", f"{kind.__name__}{place}")))
    os._exit(1)


if __name__ == "__main__":
    main()
