"""What must outlive a restart, in one small file: waiting mails, what was told, the last daily mail, counters.

Written whole before a mail is tried, so that nothing is told twice or forgotten. Boot times mean nothing in another
boot: `revived` says what becomes of them. No secret and nothing of a picture is in it. This module must not know SMTP.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from kuramori.durable_file import write_file
from kuramori.mail.alarm_ledger import Standing, Told
from kuramori.mail.daily_schedule import LastDaily
from kuramori.mail.outbox import WaitingMail
from kuramori.wire import WireInvalid, from_plain, to_plain

FILE_BYTES_MOST = 16 * 2**20
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class MemoryUnreadable(Exception):
    """The file is there and cannot be understood."""


@dataclass(frozen=True, slots=True)
class MailCounters:
    """Since the file was made."""

    sent: int = 0
    failed: int = 0  # attempts
    given_up: int = 0  # mails that nobody got
    last_success_utc_ms: int | None = None


@dataclass(frozen=True, slots=True)
class MailMemory:
    """The whole file."""

    boot_id: str = ""
    waiting: tuple[WaitingMail, ...] = ()
    given_up_untold: int = 0
    standing: tuple[Standing, ...] = ()
    passed: tuple[Told, ...] = ()
    sent_boot_ms: tuple[int, ...] = ()
    last_daily: LastDaily = field(default_factory=LastDaily)
    counters: MailCounters = field(default_factory=MailCounters)


def boot_id() -> str:
    """Return the name of this boot; empty where the system has none."""
    try:
        return BOOT_ID.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


def revived(memory: MailMemory, boot: str, boot_ms: int) -> MailMemory:
    """Return a memory as it counts in this boot; in another one, ages are not known and begin now."""
    if boot and memory.boot_id == boot:
        return memory
    return replace(
        memory,
        boot_id=boot,
        standing=_begun_anew(memory.standing, boot_ms),
        sent_boot_ms=(boot_ms,) * len(memory.sent_boot_ms),
        last_daily=replace(memory.last_daily, boot_ms=None),
    )


def _begun_anew(standing: Sequence[Standing], boot_ms: int) -> tuple[Standing, ...]:
    return tuple(
        replace(one, since_boot_ms=boot_ms, gone_boot_ms=None if (one.gone_boot_ms or 0) >= 0 else one.gone_boot_ms)
        for one in standing
    )


def load_memory(path: Path) -> MailMemory:
    """Return what the file holds; an empty memory where there is none. Raises MemoryUnreadable."""
    try:
        with path.open("rb") as file:
            content = file.read(FILE_BYTES_MOST + 1)
    except FileNotFoundError:
        return MailMemory()
    except OSError as error:
        raise MemoryUnreadable(f"{path}: {error.strerror}") from error
    if len(content) > FILE_BYTES_MOST:
        raise MemoryUnreadable(f"{path}: larger than {FILE_BYTES_MOST} bytes")
    try:
        return from_plain(MailMemory, json.loads(content))
    except (WireInvalid, ValueError, RecursionError) as error:
        raise MemoryUnreadable(f"{path}: {error}") from error


def save_memory(path: Path, memory: MailMemory) -> None:
    """Replace the file. Raises OSError."""
    write_file(path, json.dumps(to_plain(memory), ensure_ascii=False).encode())
