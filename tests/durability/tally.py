"""What a campaign of faults saw, as a row of the table in segments/DURABILITY.md."""

import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Tally:
    """One kind of fault: how often it was made, what each camera lost each time, and what was found wrong after it."""

    fault: str
    tried: int = 0
    lost_seconds: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def note(self, lost_seconds: Iterable[float], wrong: Iterable[str] = ()) -> None:
        """Note one fault: the seconds that each camera lost, and everything that was not as it must be."""
        self.tried += 1
        self.lost_seconds += lost_seconds
        self.wrong += wrong

    def take(self, other: "Tally") -> None:
        """Add another campaign with the same fault."""
        self.tried += other.tried
        self.lost_seconds += other.lost_seconds
        self.wrong += other.wrong


def table(tallies: Iterable[Tally]) -> str:
    """Return them as a Markdown table."""
    lines = [
        "| fault | times tried | lost per camera, median s | lost per camera, worst s | anything corrupt |",
        "|---|---|---|---|---|",
    ]
    for tally in tallies:
        lost = tally.lost_seconds or [0.0]
        wrong = "none" if not tally.wrong else f"**{len(tally.wrong)}**: {tally.wrong[0]}"
        lines.append(f"| {tally.fault} | {tally.tried:,} | {statistics.median(lost):.2f} | {max(lost):.2f} | {wrong} |")
    return "\n".join(lines)
