"""Checks of what `kuramori init` made: identity, permissions, volumes, custodians, ledger, and room beside them."""

import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from kuramori.cells import open_cells, open_fallback_cells
from kuramori.doctor.examination import Case
from kuramori.doctor.finding import Finding, error, fine, warning
from kuramori.erasure_texts import place_refusal, tier_advice, tier_claim
from kuramori.identity import Identity, IdentityFault, NotSetUp, read_identity
from kuramori.texts import tr
from kuramori_config.quantities import Size
from kuramori_segments.custodian_set import MAX_SET_BYTES, CustodianSet, read_set
from kuramori_segments.disk import FileDisk
from kuramori_segments.erasable_cell import Cell
from kuramori_segments.key_faults import KeyFault
from kuramori_segments.key_snapshot import MAX_SNAPSHOT_BYTES, SnapshotUnreadable, open_snapshot
from kuramori_segments.key_table import wipe
from kuramori_segments.keystore_faults import CellUnusable, PlaceRefused
from kuramori_segments.keystore_slots import SNAPSHOT_NAMES
from kuramori_segments.limits import SLOT_BYTES
from kuramori_segments.storage_fault import StorageFault, VolumeRefused
from kuramori_segments.store_files import DirectoryFiles
from kuramori_segments.superblock import Superblock
from kuramori_segments.tier import ErasureTier
from kuramori_segments.volume_head import read_superblocks, slots_that_fit

EXPIRY_NOTICE_DAYS = 60  # making a new set means gathering people: say it two months before
FREE_BYTES_LEAST = 512 * 2**20  # the ledger and the register grow by a few MiB a month; a spool holds bundles
TPM_TIMEOUT_SECONDS = 5.0
_DAY_MS = 86_400_000
_OTHERS = 0o077


def _identity(case: Case) -> Identity | None:
    try:
        return read_identity(case.places.identity)
    except (IdentityFault, OSError):
        return None


def check_identity(case: Case) -> Iterator[Finding]:
    """A recorder is set up, and wholly."""
    places = case.places
    try:
        identity = read_identity(places.identity)
    except NotSetUp:
        unfinished = places.unfinished.exists()
        yield error(
            "set-up-unfinished" if unfinished else "not-set-up",
            tr(f"no recorder is set up in {places.state}", f"{places.state} は未設定です")
            + (tr("; a set-up began and did not end", "（初期設定が途中で終わっています）") if unfinished else ""),
            tr(f"kuramori init --config {case.file}", f"kuramori init --config {case.file} を実行してください"),
        )
        return
    except (IdentityFault, OSError) as fault:
        yield error("identity-damaged", str(fault), tr("restore it from a copy", "控えから復元してください"))
        return
    yield fine(
        "identity",
        tr(
            f"recorder {identity.recorder_id.hex()}, set up {_date(identity.created_utc_ms)} for {identity.site}",
            f"録画機 {identity.recorder_id.hex()}（{identity.site}、{_date(identity.created_utc_ms)} 設定）",
        ),
    )


def _date(utc_ms: int) -> str:
    return datetime.fromtimestamp(utc_ms / 1000, UTC).date().isoformat()


def check_permissions(case: Case) -> Iterator[Finding]:
    """Nobody but the owner reads what must not be read, and the owner is the account that runs this."""
    places = case.places
    found = False
    secret = (places.device_key, places.keystore, places.register_key, places.tpm_password)
    for path in (places.state, places.secrets, places.cell, places.fallback_cell, *secret):
        if path is None:
            continue
        try:
            status = path.stat()
        except FileNotFoundError:
            continue
        except OSError as fault:
            yield warning("not-readable", f"{path}: {fault.strerror}", _as_service(case))
            continue
        mode = stat.S_IMODE(status.st_mode)
        if mode & _OTHERS:
            found = True
            wanted = "0700" if stat.S_ISDIR(status.st_mode) else "0600"
            yield error(
                "open-to-others",
                tr(
                    f"{path} has mode {mode:04o}: others can read it",
                    f"{path} のモードが {mode:04o} で、他者が読めます",
                ),
                f"chmod {wanted} {path}",
            )
        if status.st_uid != case.machine.account:
            found = True
            yield warning(
                "foreign-owner",
                tr(f"{path} belongs to user {status.st_uid}", f"{path} の所有者はユーザー {status.st_uid} です"),
                _as_service(case),
            )
    if not found and _identity(case) is not None:
        yield fine(
            "permissions", tr("keys and secrets are readable by their owner only", "鍵と秘密情報は所有者だけが読めます")
        )


def _as_service(case: Case) -> str:
    return tr(
        f"run the doctor as the account that runs kuramori (this is user {case.machine.account})",
        f"kuramoriを実行する利用者で診断してください（現在はユーザー {case.machine.account}）",
    )


def check_volumes(case: Case) -> Iterator[Finding]:
    """Each volume is there, belongs to this recorder, and has the size asked for."""
    identity = _identity(case)
    if identity is None:
        return
    for table in case.configuration.volumes:
        try:
            superblock = _superblock(table.path)
        except (StorageFault, VolumeRefused) as fault:
            yield error(
                "volume-unusable",
                f"{table.path}: {fault}",
                tr("attach its medium, or look into the system log", "媒体の接続とシステムログを確認してください"),
            )
            continue
        yield _judge_volume(table.path, superblock, identity, table.size)


def _superblock(path: Path) -> Superblock:
    disk = FileDisk.open(path, writable=False)
    try:
        return read_superblocks(disk.read_at, str(path)).superblock
    finally:
        disk.close()


def _judge_volume(path: Path, superblock: Superblock, identity: Identity, asked: Size) -> Finding:
    if superblock.recorder_id != identity.recorder_id:
        return error(
            "volume-of-another-recorder",
            tr(f"{path} belongs to another recorder", f"{path} は別の録画機の記録領域です"),
            tr("attach the medium that belongs here", "この録画機の媒体を接続してください"),
        )
    wanted = slots_that_fit(asked.total_bytes, SLOT_BYTES)
    if superblock.slot_count < wanted:
        made, text = Size(superblock.volume_bytes), str(asked)
        return warning(
            "volume-smaller-than-configured",
            tr(
                f"{path} was made with {made}; the configuration says {text}",
                f"{path} は {made} で作成（設定は {text}）",
            ),
            tr("a volume does not grow: add a second [[volume]]", "拡張はできません。[[volume]] を追加してください"),
        )
    filled = 100 * superblock.filled_slots // max(1, superblock.slot_count)
    return fine(
        "volume",
        tr(
            f"{path}: {Size(superblock.volume_bytes)}, {filled} % zero-filled",
            f"{path}: {Size(superblock.volume_bytes)}、初期化 {filled}%",
        ),
    )


def check_custodians(case: Case) -> Iterator[Finding]:
    """The custodian set is whole, and enough of its cards stay valid for a while."""
    if _identity(case) is None:
        return
    renew = tr(
        "have new cards made with `kuramori custodian new`",
        "`kuramori custodian new` で新しいカードを作成してください",
    )
    try:
        with case.places.custodians.open("rb") as stream:
            custodian_set = read_set(stream.read(MAX_SET_BYTES + 1))
    except (OSError, KeyFault) as fault:
        yield error(
            "custodians-unreadable",
            f"{case.places.custodians}: {fault}",
            tr(
                "nothing can be sealed without a valid set: restore the file",
                "封印できません。控えから復元してください",
            ),
        )
        return
    valid = len(custodian_set.valid_at(case.machine.utc_ms))
    k, n = custodian_set.k, custodian_set.n
    if valid < k:
        yield error(
            "custodians-expired",
            tr(
                f"{valid} of {n} custodian cards are valid; {k} are needed",
                f"有効な鍵管理者カードは{n}枚中{valid}枚です（{k}枚必要）",
            ),
            renew,
        )
        return
    yield from _expiry(custodian_set, case.machine.utc_ms, renew)
    yield fine("custodians", tr(f"custodians: {k} of {n}, {valid} valid", f"鍵管理者: {n}人中{k}人（有効{valid}人）"))


def _expiry(custodian_set: CustodianSet, utc_ms: int, advice: str) -> Iterator[Finding]:
    for card in custodian_set.custodians:
        days = (card.expires_utc_ms - utc_ms) // _DAY_MS
        if days < EXPIRY_NOTICE_DAYS:
            when = _date(card.expires_utc_ms)
            text = tr(f"the card of {card.name} expires on {when}", f"{card.name} のカードの有効期限は {when} です")
            if days < 0:
                text = tr(f"the card of {card.name} expired on {when}", f"{card.name} のカードは {when} に失効しました")
            yield warning("custodian-card-expires", text, advice)


def check_tier(case: Case) -> Iterator[Finding]:
    """Say the erasure tier in plain words, and what would raise it; likewise of the fallback."""
    if _identity(case) is None:
        return
    try:
        assessment = open_cells(case.configuration, case.places, timeout_seconds=TPM_TIMEOUT_SECONDS)[0].assessment
    except PlaceRefused as refused:
        yield error("cell-refused", place_refusal(refused), _without_cell(case))
        return
    except CellUnusable as unusable:
        yield error("cell-unusable", str(unusable), _without_cell(case))
        return
    if assessment.tier is ErasureTier.E2:
        yield fine("tier", tier_claim(assessment.tier))
    else:
        yield warning("tier", tier_claim(assessment.tier), tier_advice(assessment) or "")
    yield from _fallback_tier(case)


def _without_cell(case: Case) -> str:
    if case.places.fallback_cell is None:
        return tr("nothing is recorded or erased until then", "解決するまで録画も消去もできません")
    return tr(
        "after a restart new recordings go under the fallback cell; earlier ones can neither be opened nor erased",
        "再起動後の録画は予備の消去可能領域で続きますが、以前の録画は開封も消去もできません",
    )


def _fallback_tier(case: Case) -> Iterator[Finding]:
    if case.places.fallback_cell is None:
        return
    try:
        tier = open_fallback_cells(case.configuration, case.places)[0].tier
    except PlaceRefused as refused:
        yield error(
            "fallback-cell-refused",
            place_refusal(refused),
            tr("without it, a cell that is away stops recording", "予備がないと、消去可能領域の障害時に録画できません"),
        )
        return
    yield fine(
        "fallback-tier",
        tr(
            f"fallback cell {case.places.fallback_cell}: tier {tier.value}",
            f"予備の消去可能領域 {case.places.fallback_cell}: 消去保証区分 {tier.value}",
        ),
    )


def check_keystore(case: Case) -> Iterator[Finding]:
    """A root is in one cell and opens its snapshot. Looks only: opening the store itself would finish a rotation."""
    if _identity(case) is None:
        return
    restore = tr(
        "attach the cell's medium; if it is lost, the recordings are erased for good",
        "消去可能領域の装置を接続してください。失われた場合、録画は完全に消去された状態です",
    )
    try:
        files = DirectoryFiles(case.places.keystore)
        cells = open_cells(case.configuration, case.places, timeout_seconds=TPM_TIMEOUT_SECONDS, for_trial=True)
        opened = [_opens(files, cell, number) for number, cell in enumerate(cells)]
    except PlaceRefused as refused:
        yield error("keystore-refused", place_refusal(refused), restore)
        return
    except (CellUnusable, OSError) as fault:
        yield error("keystore-unusable", str(fault), restore)
        return
    if any(opened):
        yield fine("keystore", tr("the keystore opens with the root in its cell", "鍵保管庫は開けます"))
    else:
        place = case.places.cell or case.configuration.keystore.tpm
        yield error(
            "keystore-closed",
            tr(f"no cell in {place} opens the keystore", f"{place} の鍵では鍵保管庫を開けません"),
            restore,
        )
    if case.places.fallback_keystore.exists() and any(case.places.fallback_keystore.iterdir()):
        yield warning(
            "fallback-in-use",
            tr(
                "hours of recordings have their keys under the fallback cell, and its tier",
                "予備の消去可能領域の鍵(その保証区分)で保護された録画があります",
            ),
            tr("they end with their retention", "保存期間の経過により消去されます"),
        )


def _opens(files: DirectoryFiles, cell: Cell, number: int) -> bool:
    root = cell.read()
    data = files.read(SNAPSHOT_NAMES[number], MAX_SNAPSHOT_BYTES)
    if root is None or data is None:
        return False
    try:
        opened = open_snapshot(root, number, data)
    except SnapshotUnreadable:
        return False
    wipe(opened.table)
    return True


def check_ledger_mirror(case: Case) -> Iterator[Finding]:
    """The ledger has a second copy."""
    if _identity(case) is None:
        return
    mirror = case.places.ledger_mirror
    if mirror is None:
        yield warning(
            "no-ledger-mirror",
            tr("the ledger has no second copy", "台帳の写しがありません"),
            tr(
                "name one: storage.ledger_mirror, on another device",
                "storage.ledger_mirror を別の装置に設定してください",
            ),
        )
    elif not mirror.exists():
        yield warning(
            "ledger-mirror-missing",
            tr(f"the ledger's second copy {mirror} is not there", f"台帳の写し {mirror} がありません"),
            tr("it is made anew when the recorder starts", "録画機の起動時に作り直されます"),
        )
    else:
        yield fine("ledger-mirror", tr(f"the ledger's second copy: {mirror}", f"台帳の写し: {mirror}"))


def check_free_space(case: Case) -> Iterator[Finding]:
    """Ledger, register and spool have room. The ring itself never fills up."""
    if not case.places.state.exists():
        return
    facts = os.statvfs(case.places.state)
    free = facts.f_bavail * facts.f_frsize
    if free < FREE_BYTES_LEAST:
        yield error(
            "little-space",
            tr(f"{case.places.state}: {Size(free)} free", f"{case.places.state}: 空き {Size(free)}"),
            tr(f"keep at least {Size(FREE_BYTES_LEAST)} free", f"{Size(FREE_BYTES_LEAST)}以上を空けてください"),
        )
    else:
        yield fine("space", tr(f"{case.places.state}: {Size(free)} free", f"{case.places.state}: 空き {Size(free)}"))
