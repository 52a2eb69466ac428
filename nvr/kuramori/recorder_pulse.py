"""Counts what a pulse tells of the recorder. Looks at memory only; never waits.

This module must not know what follows from a pulse.
"""

from kuramori.camera import Camera, Phase
from kuramori.pulse import Pulse
from kuramori.recorder import Recorder
from kuramori.reloads import Reloads

KEYSTORE_PROBLEM = "keystore"  # among the recorder's problems: no new key can be made


def pulse_of(recorder: Recorder, reloads: Reloads, *, ready: bool) -> Pulse:
    """Return the figures of now."""
    cameras = recorder.cameras.values()
    return Pulse(
        ready=ready,
        arrived=sum(camera.figures.access_units + camera.recording.dropped_units for camera in cameras),
        durable=sum(camera.durable.access_unit for camera in cameras if camera.durable is not None),
        storage_fault=storage_fault_known(recorder),
        cameras=len(cameras),
        recording=sum(camera.phase is Phase.RECORDING and camera.tracker.is_open for camera in cameras),
        problems=len(recorder.problems_now()),
        reloads=reloads.answered,
        refused=bool(reloads.fault),
    )


def storage_fault_known(recorder: Recorder) -> bool:
    """Tell whether it is known why frames cannot become durable: a volume that fails, no key, or no slot."""
    if KEYSTORE_PROBLEM in recorder.problems:
        return True
    if any(lane.cameras and not lane.health.is_good for lane in recorder.lanes):
        return True
    return any(_lacks_key_or_slot(camera) for camera in recorder.cameras.values())


def _lacks_key_or_slot(camera: Camera) -> bool:
    """Tell whether frames wait although their volume is good: for the keystore's next key, or for a slot."""
    return bool(camera.recording.waiting_units) and not camera.recording.suspended
