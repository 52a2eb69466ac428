"""A sink that keeps copies of everything, so that a test can compare it with what was sent."""

from dataclasses import dataclass, field

from kuramori.capture.source import AccessUnit, AudioFrame, SenderReport


@dataclass(frozen=True, slots=True)
class RecordedUnit:
    """An access unit, copied out of the borrowed buffer."""

    rtp_time: int
    arrival_boot_ns: int
    is_key: bool
    damaged: bool
    lost_packets: int
    nals: tuple[bytes, ...]


@dataclass(slots=True)
class RecordingSink:
    """Keeps units, parameter sets (with the number of units before them) and sender reports."""

    units: list[RecordedUnit] = field(default_factory=list)
    parameter_sets: list[tuple[int, tuple[bytes, ...]]] = field(default_factory=list)
    reports: list[SenderReport] = field(default_factory=list)
    sound: list[AudioFrame] = field(default_factory=list)

    def on_access_unit(self, unit: AccessUnit) -> None:
        nals = tuple(split_payload(bytes(unit.payload)))
        assert len(nals) == unit.nal_count
        self.units.append(
            RecordedUnit(unit.rtp_time, unit.arrival_boot_ns, unit.is_key, unit.damaged, unit.lost_packets, nals)
        )

    def on_parameter_sets(self, parameter_sets: tuple[bytes, ...]) -> None:
        self.parameter_sets.append((len(self.units), parameter_sets))

    def on_sender_report(self, report: SenderReport) -> None:
        self.reports.append(report)

    def on_audio_frame(self, frame: AudioFrame) -> None:
        self.sound.append(frame)

    @property
    def nals(self) -> list[bytes]:
        """Every NAL unit in order."""
        return [nal for unit in self.units for nal in unit.nals]


def split_payload(payload: bytes) -> list[bytes]:
    """Cut NAL units behind 32-bit lengths apart; fails when the lengths do not add up."""
    nals, at = [], 0
    while at < len(payload):
        length = int.from_bytes(payload[at : at + 4], "big")
        nals.append(payload[at + 4 : at + 4 + length])
        at += 4 + length
    assert at == len(payload)
    return nals
