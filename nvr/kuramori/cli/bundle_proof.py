"""What was read back from the medium against what arrived, what the manifest lists, and what the register has.

Pure. Must not know how it was written.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from kuramori.cli.bundle_stream import MANIFEST_NAME, BundleRefused, WrittenFile
from kuramori.texts import tr
from kuramori_segments.canonical_json import JsonRefused, parse_strict

MANIFEST_BYTES_MOST = 128 << 20


def require_same(
    arrived: Sequence[WrittenFile], found: Sequence[WrittenFile], manifests: Mapping[str, bytes], digest: bytes
) -> None:
    """See that the medium gives back what was sent, and that it is what was released. Raises BundleRefused.

    `manifests` are the files called so as read back, by name; `digest` is the SHA-256 that the register has.
    """
    if tuple(arrived) != tuple(found):
        raise BundleRefused(
            tr(
                "The medium gives back other bytes than were written: nothing was kept. Use another medium.",
                "記録媒体から読み戻した内容が、書き込んだ内容と一致しません。保存しませんでした。別の媒体を使用してください。",
            )
        )
    whole = hashlib.sha256(b"".join(content for _, content in sorted(manifests.items())))
    if whole.digest() != digest or not _as_listed(found, manifests.get(MANIFEST_NAME, b"")):
        raise BundleRefused(
            tr(
                "The bundle's manifest is not the one that was released: nothing was kept.",
                "提供データの目録が登録されたものと一致しません。保存しませんでした。",
            )
        )


def is_manifest(name: str) -> bool:
    """Tell whether a file of a bundle counts as one."""
    return PurePosixPath(name).name == MANIFEST_NAME


def _as_listed(found: Sequence[WrittenFile], manifest: bytes) -> bool:
    """Tell whether every file that the manifest lists is there with its digest: base64, or hexadecimal."""
    spelt = {one.name: (base64.b64encode(one.sha256).decode("ascii"), one.sha256.hex()) for one in found}
    try:
        listed = parse_strict(manifest, limit_bytes=MANIFEST_BYTES_MOST)["files"]
        return all(one["sha256"] in spelt.get(one["name"], ()) for one in listed)
    except (JsonRefused, KeyError, TypeError):
        return False
