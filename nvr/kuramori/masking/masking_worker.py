"""The masking worker: a short-lived process that opens what one order names, masks it, and waits to be confirmed.

    python -m kuramori.masking.masking_worker     order on standard input, answers and archive on standard output

Confined like the extraction worker, before the order with its keys is read. After *made* and the sheets it waits for
a confirmation; where none comes the pipe ends, the process with it, and the copy, whose key only it has. Works at the
lowest priority: recording comes first. Must not know the desk or the recorder.
"""

import base64
import importlib
import os
import sys
from typing import TYPE_CHECKING

from kuramori.clips.confinement import confine

if TYPE_CHECKING:
    from kuramori.masking.masked_bundle import MaskedBundle

LOWEST_PRIORITY = 19
PROGRESS_STEP = 0.005
THREADS_MOST = 4
_MODULES = ("clips.job_codec", "clips.worker_answer", "masking.masking_job", "masking.masked_bundle")


def main() -> None:
    """Do one order."""
    confine()
    os.nice(LOWEST_PRIORITY)
    from kuramori.clips.extraction_worker import say_unexpected

    sys.excepthook = say_unexpected
    for name in _MODULES:  # heavy; only now, inside the confinement
        importlib.import_module(f"kuramori.{name}")
    from kuramori.clips.extraction_worker import serve, write
    from kuramori.clips.job import ExtractionFailed
    from kuramori.clips.worker_answer import WorkerReady, WorkerRefused, encode_answer
    from kuramori.masking.masking_job import Confirmation, encode_made, read_part

    try:
        bundle = _begin()
        made, sheets = bundle.make(_Teller().tell)
    except ExtractionFailed as failed:
        write(encode_answer(WorkerRefused(failed.fault, failed.detail)))
        return
    write(encode_made(made))
    for sheet in sheets:
        write(sheet)
    confirmed = read_part(sys.stdin.buffer)
    if confirmed is None:
        return
    ready = bundle.confirmed(Confirmation(**confirmed))
    write(encode_answer(WorkerReady(ready.manifest_digest, ready.archive.size_bytes, ready.first_picture_boot_ns)))
    serve(ready.archive)


def _begin() -> "MaskedBundle":
    from kuramori.clips.job_codec import JobUnreadable, read_job
    from kuramori.masking.boxes import read_drawing
    from kuramori.masking.faces import find_detector
    from kuramori.masking.masked_bundle import MaskedBundle
    from kuramori.masking.masking_job import MaskingOrder, read_part

    job, rest = read_job(sys.stdin.buffer), read_part(sys.stdin.buffer)
    if rest is None:
        raise JobUnreadable
    order = MaskingOrder(job, rest["number"], base64.b64decode(rest["drawing"]), rest["look_for_faces"])
    threads = max(1, min(THREADS_MOST, len(os.sched_getaffinity(0)) - 1))
    detector = find_detector() if order.look_for_faces else None
    return MaskedBundle(order, read_drawing(order.drawing), threads, detector)


class _Teller:
    """Says how far the work is, not too often."""

    def __init__(self) -> None:
        self._told = -1.0

    def tell(self, share: float) -> None:
        from kuramori.clips.extraction_worker import write
        from kuramori.masking.masking_job import encode_progress

        if share >= self._told + PROGRESS_STEP:
            self._told = share
            write(encode_progress(min(1.0, share)))


if __name__ == "__main__":
    main()
