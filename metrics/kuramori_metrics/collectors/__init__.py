"""The collectors, one file each, named for what they show."""

from kuramori_metrics.collectors import (
    camera_audio,
    camera_card,
    camera_connection,
    camera_events,
    camera_filling,
    camera_gaps,
    camera_keeping,
    camera_recording,
    camera_told,
    camera_traffic,
    custody,
    holds,
    keystore,
    ledger,
    media,
    medium_health,
    processes,
    recorder,
    volume_capacity,
    volume_scrub,
    volume_slots,
    volume_writes,
)
from kuramori_metrics.registry import checked

COLLECTORS = checked(
    (
        recorder.COLLECTOR,
        processes.COLLECTOR,
        camera_recording.COLLECTOR,
        camera_gaps.COLLECTOR,
        camera_filling.COLLECTOR,
        camera_traffic.COLLECTOR,
        camera_audio.COLLECTOR,
        camera_connection.COLLECTOR,
        camera_told.COLLECTOR,
        camera_events.COLLECTOR,
        camera_card.COLLECTOR,
        camera_keeping.COLLECTOR,
        volume_slots.COLLECTOR,
        volume_capacity.COLLECTOR,
        volume_writes.COLLECTOR,
        volume_scrub.COLLECTOR,
        media.COLLECTOR,
        medium_health.COLLECTOR,
        keystore.COLLECTOR,
        custody.COLLECTOR,
        holds.COLLECTOR,
        ledger.COLLECTOR,
    )
)
