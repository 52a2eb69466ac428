"""Bundles taken from real extraction workers, as files in memory or on disk."""

import asyncio
import io
import tarfile
from pathlib import Path
from typing import cast

from kuramori.clips.extraction import WorkerStream, run_worker
from kuramori.clips.job import ExtractionJob


async def start(job: ExtractionJob) -> WorkerStream:
    """Run the worker until its bundle is ready."""
    return cast("WorkerStream", await run_worker(job))


async def take(job: ExtractionJob) -> bytes:
    """Return the archive."""
    stream = await start(job)
    try:
        return b"".join([piece async for piece in stream])
    finally:
        await stream.close()


def archive_of(job: ExtractionJob) -> bytes:
    """Return the archive, outside of any event loop."""
    return asyncio.run(take(job))


def unpacked(archive: bytes) -> dict[str, bytes]:
    """Return the files of an archive."""
    files = {}
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:") as tar:
        for member in tar:
            content = tar.extractfile(member)
            files[member.name] = content.read() if content is not None else b""
    return files


def write_files(folder: Path, files: dict[str, bytes]) -> Path:
    """Write files into a folder."""
    for name, content in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return folder
