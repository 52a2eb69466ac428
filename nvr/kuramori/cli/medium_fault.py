"""Why a medium does not take a bundle: one sentence each, by what the system answers. Nothing is ever lost by it.

Must not know what is written.
"""

import errno
import os
from pathlib import Path

from kuramori.cli.bundle_stream import BundleRefused
from kuramori.cli.medium_facts import file_system
from kuramori.texts import tr

FAT = frozenset({"vfat", "msdos"})
WINDOWS_NAMES = FAT | {
    "exfat",
    "ntfs",
    "ntfs3",
    "fuseblk",
}  # the names that such file systems, or their readers, refuse
FAT_FILE_BYTES_MOST = (1 << 32) - 1
_FORBIDDEN = frozenset('<>:"|?*\\') | {chr(code) for code in range(32)}
_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10))}
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_GONE = frozenset({errno.EIO, errno.ENODEV, errno.ENXIO, errno.ENOENT, errno.ESTALE, errno.ENOTCONN, errno.ENOMEDIUM})
_NAMES = frozenset({errno.EINVAL, errno.ENAMETOOLONG, errno.EILSEQ})


def exists(place: Path) -> BundleRefused:
    """Return the refusal of a place where something is."""
    if place.is_symlink():
        return BundleRefused(
            tr(
                f"{place} is a link to somewhere else: name a new place on the medium itself.",
                f"{place} は別の場所へのリンクです。媒体上の新しい場所を指定してください。",
            )
        )
    return BundleRefused(
        tr(
            f"{place} exists already: name a new folder.",
            f"{place} は既に存在します。新しい場所を指定してください。",
        )
    )


def known(error: OSError, place: Path) -> BundleRefused | None:
    """Return the refusal of what a medium usually does; None of anything else."""
    code = error.errno
    if code == errno.EROFS:
        return BundleRefused(
            tr(
                f"{place} lies on a medium that is write-protected. Nothing is lost; unlock it or use another medium.",
                f"{place} の媒体は書込みが禁止されています。"
                "データは失われていません。解除するか別の媒体を使用してください。",
            )
        )
    if code in _FULL:
        return full(place)
    if code in _GONE:
        return gone(place)
    if code == errno.EFBIG:
        return too_large(place)
    return _name_refused(place) if code in _NAMES else None


def require_room(place: Path, size_bytes: int, one_file: bool) -> None:
    """See that so much fits, before anything is written. Raises BundleRefused, OSError."""
    ancestor = standing(place)
    if one_file and size_bytes > FAT_FILE_BYTES_MOST and file_system(ancestor).kind in FAT:
        raise too_large(place)
    if hasattr(os, "statvfs"):
        there = os.statvfs(ancestor)
        if there.f_bavail * there.f_frsize < size_bytes:
            raise full(place)


def require_name(place: Path) -> None:
    """See that the medium's file system can have this name, and Windows can read it. Raises BundleRefused."""
    if file_system(standing(place)).kind not in WINDOWS_NAMES:
        return
    name = place.name
    if set(name) & _FORBIDDEN or name.endswith((".", " ")) or name.partition(".")[0].lower() in _DEVICES:
        raise _name_refused(place)


def standing(place: Path) -> Path:
    """Return the nearest folder above a place that is there."""
    return next(parent for parent in place.absolute().parents if parent.exists())


def full(place: Path) -> BundleRefused:
    """Return the refusal of a medium without room."""
    return BundleRefused(
        tr(
            f"The medium of {place} has no room for the bundle. Nothing is lost; use one with more room.",
            f"{place} の媒体の空き容量が足りません。データは失われていません。容量の大きい媒体を使用してください。",
        )
    )


def gone(place: Path) -> BundleRefused:
    """Return the refusal of a medium that was pulled out, or is broken."""
    return BundleRefused(
        tr(
            f"The medium of {place} was pulled out or has failed; what was begun on it does not count. Nothing is "
            "lost; put it back or use another one.",
            f"{place} の媒体が取り外されたか故障しました。書きかけの内容は無効です。データは失われていません。"
            "媒体を接続し直すか、別の媒体を使用してください。",
        )
    )


def too_large(place: Path) -> BundleRefused:
    """Return the refusal of a file system whose files end before this one does."""
    return BundleRefused(
        tr(
            f"The file system of {place} takes no file of this size (FAT32: 4 GiB). Nothing is lost; use a medium with "
            "exFAT, or write a folder instead of a zip.",
            f"{place} のファイルシステムでは、この大きさのファイルを作成できません(FAT32は4 GiBまで)。"
            "データは失われていません。exFATの媒体を使用するか、zipでなくフォルダーで書き込んでください。",
        )
    )


def _name_refused(place: Path) -> BundleRefused:
    return BundleRefused(
        tr(
            f"The medium's file system cannot have the name {place.name}. Nothing is lost; choose "
            "letters, digits, - and _.",
            f"媒体のファイルシステムでは {place.name} という名前を使用できません。データは失われていません。"
            "英数字、-、_ の名前を指定してください。",
        )
    )
