"""The media of a configuration as the system alone shows them, for when no recorder runs. May take a while.

What only a running recorder knows (errors, damage, pace) is missing; what was remembered is shown. This module must
not know sockets.
"""

import threading

from kuramori.places import Places
from kuramori.storage_health.judgement import Seen, judge
from kuramori.storage_health.medium_facts import MediumFacts
from kuramori.storage_health.medium_history import MediumHistory
from kuramori.storage_health.medium_report import MediaHealth, MediumReport
from kuramori.storage_health.sysfs_medium import Sources, look
from kuramori_config.schema import Configuration

PATIENCE_SECONDS = 10.0


def media_of_system(configuration: Configuration, utc_ms: int) -> MediaHealth:
    """Return every medium; one that does not answer in time is unknown."""
    places = Places.of(configuration)
    sources = Sources(configuration.storage.smart_directory)
    history = MediumHistory(places.storage_health)
    history.read()
    found: dict[str, MediumReport] = {}
    wanted = [(volume.path, volume.endurance) for volume in configuration.volumes]
    for path, endurance in [*wanted, (places.state, configuration.storage.endurance)]:
        facts: list[MediumFacts] = []
        asking = threading.Thread(
            target=lambda path=path, facts=facts: facts.append(look(path, sources, utc_ms / 1000))
        )
        asking.daemon = True  # one that hangs is left behind
        asking.start()
        asking.join(PATIENCE_SECONDS)
        volume = str(path)
        rated = endurance.total_bytes if endurance is not None else None
        answer, silent = (facts[0], 0.0) if facts else (None, PATIENCE_SECONDS)
        place, life = history.place(volume), history.life(volume)
        seen = Seen(volume, answer, silent, place=place, life=life, endurance_bytes=rated)
        report = judge(seen, utc_ms)
        if path != places.state or not any(report.device and one.device == report.device for one in found.values()):
            found[volume] = report
    return MediaHealth(utc_ms, tuple(found.values()))
