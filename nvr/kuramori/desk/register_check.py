"""The register verified by somebody who trusts neither the desk nor its disk: entries in, tree out, or what is wrong.

Pure; imports nothing that exists on Linux only. Must not know where entries come from.
"""

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kuramori.desk.canonical_json import JsonRefused, canonical
from kuramori.desk.merkle_log import MerkleLog, leaf_hash
from kuramori.desk.register_entry import Entry, EntryInvalid, EntryKind, body_digest
from kuramori.desk.signed_note import Checkpoint


class RegisterWrong(ValueError):
    """An entry, a body or the tree is not what the checkpoint says."""


@dataclass(frozen=True, slots=True)
class CheckedRegister:
    """A register that verifies."""

    tree: MerkleLog
    bodies_deleted: int


def check_entries(entries: Iterable[Mapping[str, Any]], checkpoint: Checkpoint) -> CheckedRegister:
    """Check entries as the API shows them (index, entry, salt, body) against a verified checkpoint.

    Entries beyond the checkpoint, written since, are left out. Raises RegisterWrong.
    """
    tree = MerkleLog()
    missing: set[int] = set()
    excused: set[int] = set()
    for shown in entries:
        if tree.size == checkpoint.size:
            break
        entry, document = _entry(shown, tree.size)
        tree.append(leaf_hash(document))
        body = shown.get("body")
        if body is None:
            missing.add(entry.index)
            continue
        _check_body(entry, shown.get("salt"), body)
        if entry.kind == EntryKind.BODIES_DELETED:
            excused.update(index for index in body.get("indices", ()) if isinstance(index, int))
    if tree.size != checkpoint.size:
        raise RegisterWrong(f"{tree.size} entries are shown, the checkpoint covers {checkpoint.size}")
    if tree.root() != checkpoint.root:
        raise RegisterWrong("the entries are not those of the checkpoint")
    if missing - excused:
        raise RegisterWrong(f"the body of entry {min(missing - excused)} was removed")
    return CheckedRegister(tree, len(missing))


def _entry(shown: Mapping[str, Any], index: int) -> tuple[Entry, bytes]:
    try:
        document = base64.b64decode(shown["entry"], validate=True)
        entry = Entry.parse(document)
    except (KeyError, TypeError, ValueError, EntryInvalid) as error:
        raise RegisterWrong(f"entry {index} is unreadable ({error})") from None
    if entry.index != index:
        raise RegisterWrong(f"entry {index} is missing or out of place")
    return entry, document


def _check_body(entry: Entry, salt: object, body: object) -> None:
    try:
        fits = isinstance(salt, str) and isinstance(body, dict)
        right = fits and body_digest(bytes.fromhex(str(salt)), canonical(body)) == entry.body_digest
    except (ValueError, JsonRefused, EntryInvalid):
        right = False
    if not right:
        raise RegisterWrong(f"the body of entry {entry.index} is not the one that was written")
