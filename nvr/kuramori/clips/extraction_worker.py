"""The extraction worker: a short-lived process that opens, verifies and packs what one job names, then ends.

    python -m kuramori.clips.extraction_worker        job on standard input, answer and archive on standard output

The finished archive waits in its sealed spool and is given out, part by part, as often as it is asked for, until the
worker is ended: its key is gone then. It confines itself before the job, with its keys, is read; it has no network,
writes nothing readable to any disk, gives way to recording, and dies with its parent. Its arguments and environment
hold nothing. Must not know the desk or the recorder.
"""

import contextlib
import fcntl
import importlib
import os
import sys
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from kuramori.clips.confinement import confine

if TYPE_CHECKING:
    from kuramori.clips.archive import Archive

OUTPUT = 1
PIPE_BYTES = 1 << 20
LOW_PRIORITY = 5  # recording comes first; somebody waits for the bundle, so not the lowest


def main() -> None:
    """Do one job."""
    confine()
    os.nice(LOW_PRIORITY)
    sys.excepthook = say_unexpected
    for name in ("job", "job_codec", "worker_answer", "bundle"):  # heavy; only now, inside the confinement
        importlib.import_module(f"kuramori.clips.{name}")
    from kuramori.clips.bundle import make_bundle
    from kuramori.clips.job import ExtractionFailed
    from kuramori.clips.job_codec import read_job
    from kuramori.clips.worker_answer import WorkerReady, WorkerRefused, encode_answer
    from kuramori.timebase import SystemClock

    with contextlib.suppress(OSError):  # where the system refuses a wide pipe, it is only slower
        fcntl.fcntl(OUTPUT, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    job = read_job(sys.stdin.buffer)
    try:
        bundle = make_bundle(job, SystemClock())
    except ExtractionFailed as failed:
        write(encode_answer(WorkerRefused(failed.fault, failed.detail)))
        return
    size_bytes = bundle.archive.size_bytes
    write(encode_answer(WorkerReady(bundle.manifest_digest, size_bytes, bundle.first_picture_boot_ns)))
    serve(bundle.archive)


def serve(archive: "Archive") -> None:
    """Give out what is asked for until nobody can ask any more."""
    from kuramori.clips.worker_answer import ASK

    at, source, rest = 0, archive.pieces(), memoryview(b"")
    while len(ask := sys.stdin.buffer.read(ASK.size)) == ASK.size:
        start, missing = ASK.unpack(ask)
        if start != at:
            at, source, rest = start, archive.pieces(start), memoryview(b"")
        at += missing
        while missing:
            rest = rest or memoryview(next(source))
            part = rest[:missing]
            write(part)
            rest = rest[len(part) :]
            missing -= len(part)


def write(data: bytes | memoryview) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(OUTPUT, view) :]


def say_unexpected(kind: type[BaseException], _error: BaseException, trace: TracebackType | None) -> None:
    """Name a fault of ours by its kind and place: its text might hold anything."""
    from kuramori.clips.job import ExtractionFault
    from kuramori.clips.worker_answer import WorkerRefused, encode_answer

    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f" in {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else ""
    write(encode_answer(WorkerRefused(ExtractionFault.WORKER_DIED, f"{kind.__name__}{place}")))
    os._exit(1)


if __name__ == "__main__":
    main()
