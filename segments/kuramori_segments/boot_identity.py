"""Which boot of the machine this is: 16 random bytes that the kernel makes at each start.

CLOCK_BOOTTIME readings can be compared within one boot only. This module must not know what is compared.
"""

import uuid
from pathlib import Path

from kuramori_segments.key_records import NO_BOOT_ID

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def read_boot_id(path: Path = BOOT_ID) -> bytes:
    """Return the 16 bytes; NO_BOOT_ID where the system does not say (then no two readings compare)."""
    try:
        return uuid.UUID(path.read_text(encoding="ascii").strip()).bytes
    except (OSError, ValueError):
        return NO_BOOT_ID
