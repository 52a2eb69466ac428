"""What a capacity plan means, in sentences for the operator. Pure; it must not know how anything was found out."""

from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo

from kuramori.capacity.ring_projection import SHORT_SHARE
from kuramori.capacity_messages import CameraCapacity, CapacityPlan, VolumeCapacity
from kuramori.texts import tr
from kuramori_config.quantities import Size

DAY_SECONDS = 86_400
MORE_THAN_PLANNED = 1.2  # beyond that share of its plan a camera overwrites its own days first


def is_short(camera: CameraCapacity) -> bool:
    """Tell whether a camera's retention will not be reached."""
    return camera.reached_seconds < camera.retention_seconds * SHORT_SHARE


def below_floor(camera: CameraCapacity) -> bool:
    """Tell whether not even a camera's floor will be reached."""
    return camera.reached_seconds < camera.floor_seconds * SHORT_SHARE


def days(seconds: float) -> str:
    """Return days, to a tenth; to a hundredth below one."""
    value = seconds / DAY_SECONDS
    return f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def span(seconds: float) -> str:
    """Return a time with its unit: days, or hours where it is less than one."""
    if seconds >= DAY_SECONDS:
        return tr(f"{seconds / DAY_SECONDS:.3g} days", f"{seconds / DAY_SECONDS:.3g}日")
    return tr(f"{seconds / 3600:.2g} hours", f"{seconds / 3600:.2g}時間")


def size_text(size_bytes: int) -> str:
    """Return a size as the configuration takes it: whole GiB, or whole MiB."""
    gibibytes, rest = divmod(size_bytes, 2**30)
    return f"{gibibytes} GiB" if not rest and gibibytes else f"{-(-size_bytes // 2**20)} MiB"


def capacity_problems(plan: CapacityPlan, zone: tzinfo = UTC) -> Iterator[str]:
    """Yield one sentence for each volume that does not keep what was promised."""
    for volume in plan.volumes:
        short = [camera for camera in volume.cameras if is_short(camera)]
        if short:
            yield _short(volume, short, zone)


def _short(volume: VolumeCapacity, short: list[CameraCapacity], zone: tzinfo) -> str:
    worst = min(short, key=lambda camera: camera.reached_seconds / camera.retention_seconds)
    missed = [camera.name for camera in short if below_floor(camera)]
    since = volume.first_loss_utc_ms
    when = datetime.fromtimestamp(since / 1000, zone).strftime("%Y-%m-%d") if since is not None else ""
    floor_english = f", below the floor of: {', '.join(missed)}" if missed else ""
    floor_japanese = f"、保存期間の下限を下回るカメラ: {'、'.join(missed)}" if missed else ""
    basis_english = "measured" if worst.measured else "at the expected bit rate"
    basis_japanese = "実測" if worst.measured else "想定ビットレートによる"
    reached, asked = days(worst.reached_seconds), days(worst.retention_seconds)
    size = size_text(volume.needed_bytes)
    return tr(
        f"volume {volume.path} will keep {reached} of {asked} days of camera {worst.name} ({basis_english})"
        f"{floor_english}; days are lost from {when} on; a size of {size} would do",
        f"保存領域 {volume.path} に収まるのは、カメラ {worst.name} では{asked}日のうち約{reached}日分です"
        f"（{basis_japanese}）{floor_japanese}。{when} から期間内の録画が上書きされます。容量は {size} あれば足ります",
    )


def plan_lines(plan: CapacityPlan, zone: tzinfo) -> Iterator[str]:
    """Yield the plan line by line, for people."""
    if not plan.running:
        yield tr(
            "From the configuration alone, with empty volumes: nothing of this was measured.",
            "設定のみによる試算です（保存領域が空の場合）。実測値ではありません。",
        )
    for volume in plan.volumes:
        yield from _volume_lines(volume, plan, zone)
    holds = plan.holds
    yield tr(
        f"Holds: {holds.used_slots} of {holds.slots} slots of their budget ({holds.percent:g} % of all volumes).",
        f"延長: 上限 {holds.slots} 区画（全保存領域の{holds.percent:g}%）のうち {holds.used_slots} 区画を使用",
    )


def _volume_lines(volume: VolumeCapacity, plan: CapacityPlan, zone: tzinfo) -> Iterator[str]:
    free = f"{volume.free_slots}/{volume.slots}"
    size = Size(volume.size_bytes)
    yield tr(
        f"{volume.path} ({size}): {free} slots free, {volume.held_slots} held",
        f"{volume.path}（{size}）: 空き {free} 区画、延長 {volume.held_slots} 区画",
    )
    first, loss, floor = (
        _moment(at, plan.utc_ms, zone)
        for at in (volume.first_overwrite_utc_ms, volume.first_loss_utc_ms, volume.floor_missed_utc_ms)
    )
    yield tr(f"  first overwrite: {first}", f"  最初の上書き: {first}")
    yield tr(f"  first overwrite within retention: {loss}", f"  保存期間内の録画の最初の上書き: {loss}")
    yield tr(f"  first overwrite within a floor: {floor}", f"  保存期間の下限に満たない録画の最初の上書き: {floor}")
    yield tr(
        f"  size that would do: {size_text(volume.needed_bytes)}", f"  必要な容量: {size_text(volume.needed_bytes)}"
    )
    for camera in volume.cameras:
        yield _camera_line(camera)
        if camera.measured and camera.slots_per_day > camera.expected_slots_per_day * MORE_THAN_PLANNED:
            yield tr(
                "    sends more than its plan: raise expected_mbit_per_second, or it overwrites its own days first",
                "    想定を超えて送信しています。expected_mbit_per_second を見直してください"
                "（超過分は自身の録画から上書きされます）",
            )


def _camera_line(camera: CameraCapacity) -> str:
    reached, asked = days(camera.reached_seconds), days(camera.retention_seconds)
    mbit = f"{camera.mbit_per_second:.2f} Mbit/s"
    mark = tr("  SHORT", "  不足") if is_short(camera) else ""
    mark = tr("  BELOW ITS FLOOR", "  保存期間の下限を下回る") if below_floor(camera) else mark
    if camera.measured:
        basis = tr(
            f"measured over {days(camera.measured_seconds)} days", f"実測（{days(camera.measured_seconds)}日分）"
        )
    else:
        basis = tr("expected, not measured", "想定値（未実測）")
    return tr(
        f"  {camera.name}: {reached} of {asked} days, {mbit} ({basis}){mark}",
        f"  {camera.name}: {asked}日のうち{reached}日、{mbit}（{basis}）{mark}",
    )


def _moment(utc_ms: int | None, now_utc_ms: int, zone: tzinfo) -> str:
    if utc_ms is None:
        return tr("never at these rates", "現状ではなし")
    if utc_ms <= now_utc_ms:
        return tr("now", "すでに始まっています")
    when = datetime.fromtimestamp(utc_ms / 1000, zone).strftime("%Y-%m-%d %H:%M")
    left = days((utc_ms - now_utc_ms) / 1000)
    return tr(f"{when} (in {left} days)", f"{when}（{left}日後）")
