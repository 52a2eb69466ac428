"""The capacity plan as plain figures for whoever shows metrics. Pure; it must not know Prometheus."""

from kuramori.capacity_messages import CameraCapacity, CapacityPlan
from kuramori_metrics.statistics import CapacityStatistics, HoldBudgetStatistics


def camera_capacity(plan: CapacityPlan | None, name: str) -> CameraCapacity | None:
    """Return what a plan says of a camera."""
    if plan is None:
        return None
    return next((camera for volume in plan.volumes for camera in volume.cameras if camera.name == name), None)


def volume_capacity(plan: CapacityPlan | None, path: str, now_utc_ms: int) -> CapacityStatistics | None:
    """Return what a plan says of a volume, in seconds from now."""
    found = next((volume for volume in plan.volumes if volume.path == path), None) if plan is not None else None
    if found is None:
        return None

    def seconds(utc_ms: int | None) -> float | None:
        return None if utc_ms is None else max(0, utc_ms - now_utc_ms) / 1000

    return CapacityStatistics(
        seconds(found.first_overwrite_utc_ms),
        seconds(found.first_loss_utc_ms),
        seconds(found.floor_missed_utc_ms),
        found.needed_bytes,
    )


def hold_budget_figures(plan: CapacityPlan | None) -> HoldBudgetStatistics | None:
    """Return what a plan says of holds."""
    return HoldBudgetStatistics(plan.holds.slots, plan.holds.used_slots) if plan is not None else None
