"""From what was seen of a medium to its light: red where anything is wrong, green where something says it is well.

Else unknown: that a medium has taken every write so far says nothing of the next one. Green needs a register of the
medium's own, its own verdict, or a rated endurance against which its writes are counted. Pure; this module must not
know how anything is read, nor languages.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from kuramori.camera_messages import Light
from kuramori.storage_health.drive_report import DriveReport
from kuramori.storage_health.flash_registers import LIFE_USED_UP, RESERVE_URGENT, RESERVE_WARNING, FlashRegisters
from kuramori.storage_health.medium_facts import MediumFacts, OwnFacts
from kuramori.storage_health.medium_history import MediumLife, MediumPlace
from kuramori.storage_health.medium_report import Evidence, MediumKind, MediumReport

REPORT_STALE_SECONDS = 2 * 86_400.0  # the timer runs once an hour
ERROR_REMEMBERED_MS = 7 * 86_400_000  # so long an error of the medium makes it red
WORN_OUT_PERCENT = 100.0
SYSFS, SMARTCTL, RECORDER, SCRUB, CONFIGURATION = "sysfs", "smartctl", "recorder", "scrub", "configuration"
_ORDER = {Light.RED: 0, Light.UNKNOWN: 1, Light.GREEN: 2, None: 3}
_RED_FIRST = (Light.RED, Light.GREEN)  # what decides, in this order; else unknown


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything that is known of the medium at one place."""

    volume: str
    facts: MediumFacts | None  # None: the system has not answered yet, or does not any more
    silent_seconds: float = 0.0  # since when the system does not answer
    own: OwnFacts = field(default_factory=OwnFacts)
    place: MediumPlace = field(default_factory=lambda: MediumPlace(""))
    life: MediumLife = field(default_factory=lambda: MediumLife(""))
    endurance_bytes: int | None = None


def judge(seen: Seen, utc_ms: int) -> MediumReport:
    """Return the report; its `light_since_utc_ms` is for who remembers."""
    facts = seen.facts if seen.facts is not None else MediumFacts()
    written = _written(seen, facts)
    worn = _worn(seen, facts, written)
    evidence = [*_of_system(seen), *_of_registers(facts), *_of_drive(facts), *_of_recorder(seen, utc_ms)]
    evidence += _of_endurance(seen, written)
    lights = {one.light for one in evidence}
    light = next((light for light in _RED_FIRST if light in lights), Light.UNKNOWN)
    if light is Light.GREEN and seen.facts is None:
        light = Light.UNKNOWN
    return MediumReport(
        volume=seen.volume,
        device=facts.device,
        kind=facts.kind,
        light=light,
        evidence=tuple(sorted(evidence, key=lambda one: _ORDER[one.light])),
        identity=facts.identity or seen.place.present_identity,
        accepted_identity=seen.place.accepted_identity,
        swapped=seen.place.swapped,
        worn_percent=worn,
        written_bytes=written,
        endurance_bytes=seen.endurance_bytes,
        report_age_seconds=facts.report_age_seconds,
    )


def _written(seen: Seen, facts: MediumFacts) -> int | None:
    told = facts.drive.written_bytes if facts.drive is not None else None
    if told is not None:
        return told
    return seen.life.written_bytes if seen.life.counted_sectors is not None else None


def _worn(seen: Seen, facts: MediumFacts, written: int | None) -> float | None:
    found = [
        facts.registers.worn_percent if facts.registers is not None else None,
        facts.drive.worn_percent if facts.drive is not None else None,
        100.0 * written / seen.endurance_bytes if written is not None and seen.endurance_bytes else None,
    ]
    return max((one for one in found if one is not None), default=None)


def _of_system(seen: Seen) -> Iterator[Evidence]:
    facts = seen.facts
    if facts is None:
        if seen.silent_seconds:
            yield Evidence(SYSFS, "silent", str(int(seen.silent_seconds)), Light.UNKNOWN)
        else:
            yield Evidence(SYSFS, "not_looked", "", Light.UNKNOWN)
        return
    if facts.trouble:
        yield Evidence(SYSFS, facts.trouble, facts.trouble_value, Light.UNKNOWN)
    if facts.read_only:
        yield Evidence(SYSFS, "device_read_only", facts.device, Light.RED)
    if seen.place.swapped:
        yield Evidence(SYSFS, "swapped", seen.place.accepted_identity)
    if facts.kind is MediumKind.SD:
        yield Evidence(SYSFS, "sd_tells_nothing")


def _of_registers(facts: MediumFacts) -> Iterator[Evidence]:
    registers = facts.registers
    if registers is None:
        return
    if registers == FlashRegisters():
        yield Evidence(SYSFS, "registers_undefined", "", Light.UNKNOWN)
    if registers.life_time is not None:
        used_up = registers.life_time >= LIFE_USED_UP
        key = "life_used_up" if used_up else "life_time"
        yield Evidence(SYSFS, key, registers.life_text, Light.RED if used_up else Light.GREEN)
    if registers.reserve is not None:
        key = {RESERVE_WARNING: "reserve_warning", RESERVE_URGENT: "reserve_urgent"}.get(registers.reserve, "reserve")
        light = Light.RED if registers.reserve >= RESERVE_URGENT else Light.GREEN
        yield Evidence(SYSFS, key, registers.reserve_text, light)


def _of_drive(facts: MediumFacts) -> Iterator[Evidence]:
    if facts.report_trouble:
        yield Evidence(SMARTCTL, facts.report_trouble, "", Light.UNKNOWN)
    drive = facts.drive
    if drive is None:
        return
    if not drive.reached:
        key = f"report_{drive.problem.replace('-', '_')}" if drive.problem else "drive_not_reached"
        yield Evidence(SMARTCTL, key, drive.messages[0] if drive.messages else "", Light.UNKNOWN)
        return
    stale = facts.report_age_seconds is not None and facts.report_age_seconds > REPORT_STALE_SECONDS
    if stale:
        yield Evidence(SMARTCTL, "report_stale", str(int((facts.report_age_seconds or 0) // 3600)), Light.UNKNOWN)
    yield from _of_answer(drive, stale)


def _of_answer(drive: DriveReport, stale: bool) -> Iterator[Evidence]:
    """A drive that failed long ago has failed; that it was well then says nothing of now."""
    if drive.failing:
        yield Evidence(SMARTCTL, "drive_failing", _why(drive), Light.RED)
    if drive.unreadable_sectors:
        yield Evidence(SMARTCTL, "unreadable_sectors", str(drive.unreadable_sectors), Light.RED)
    if drive.worn_percent is not None:
        used_up = drive.worn_percent >= WORN_OUT_PERCENT
        light = Light.RED if used_up else None if stale else Light.GREEN
        yield Evidence(SMARTCTL, "drive_worn", f"{drive.worn_percent:.0f}", light)
    if drive.passed and not drive.failing and not drive.unreadable_sectors:
        yield Evidence(SMARTCTL, "drive_passed", "", None if stale else Light.GREEN)
    if drive.passed is None and drive.worn_percent is None and not drive.failing:
        yield Evidence(SMARTCTL, "drive_tells_nothing", "", Light.UNKNOWN)
    if drive.reallocated_sectors:
        yield Evidence(SMARTCTL, "reallocated_sectors", str(drive.reallocated_sectors))
    if drive.media_errors:
        yield Evidence(SMARTCTL, "media_errors", str(drive.media_errors))


def _why(drive: DriveReport) -> str:
    told = []
    if drive.passed is False:
        told.append("FAILED")
    if drive.critical_warning:
        told.append(f"critical_warning 0x{drive.critical_warning:02x}")
    if drive.spare_percent is not None and drive.spare_least_percent is not None:
        told.append(f"spare {drive.spare_percent:.0f}/{drive.spare_least_percent:.0f} %")
    return ", ".join(told) or f"exit status {drive.exit_status}"


def _of_recorder(seen: Seen, utc_ms: int) -> Iterator[Evidence]:
    own, life = seen.own, seen.life
    if own.fault:
        yield Evidence(RECORDER, "takes_nothing", own.fault, Light.RED)
    last = life.last_error_utc_ms
    if life.io_errors and last is not None:
        fresh = utc_ms - last < ERROR_REMEMBERED_MS
        yield Evidence(RECORDER, "io_errors", str(life.io_errors), Light.RED if fresh else None)
    if own.bad_slots:
        yield Evidence(RECORDER, "bad_slots", str(own.bad_slots), Light.RED)
    if own.damaged_segments:
        yield Evidence(SCRUB, "damaged", str(own.damaged_segments), Light.RED)
    if own.scrub_fault:
        yield Evidence(SCRUB, "reads_nothing", own.scrub_fault, Light.RED)
    pace = life.pace
    if pace.slow:
        factor = pace.now_seconds / max(pace.usual_seconds, 0.001)
        yield Evidence(RECORDER, "slow", f"{factor:.0f}", Light.RED)
    elif pace.learned:
        yield Evidence(RECORDER, "pace", f"{pace.now_seconds * 1000:.0f}")


def _of_endurance(seen: Seen, written: int | None) -> Iterator[Evidence]:
    endurance = seen.endurance_bytes
    if endurance is None or written is None:
        if seen.facts is not None and not _tells_wear(seen.facts):
            yield Evidence(CONFIGURATION, "no_endurance", "", Light.UNKNOWN)
        return
    percent = 100.0 * written / endurance
    light = Light.RED if percent >= WORN_OUT_PERCENT else Light.GREEN
    yield Evidence(CONFIGURATION, "endurance", f"{percent:.0f}", light)


def _tells_wear(facts: MediumFacts) -> bool:
    """A drive that gives a verdict need not count: disks that turn do not wear by writing."""
    registers, drive = facts.registers, facts.drive
    return (registers is not None and registers.worn_percent is not None) or (
        drive is not None and drive.reached and (drive.passed is not None or drive.worn_percent is not None)
    )
