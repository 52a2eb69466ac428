"""The facts of the configuration that the office's papers name: who films, why, where, how long, with whose decision.

Plain values in the order of the file; an optional text that is missing is empty, and the paper that needs it says so.
Made again when the configuration is read again. Must not know papers or files.
"""

from dataclasses import dataclass, field
from datetime import date

from kuramori_config.papers_table import ANSWER_WITHIN
from kuramori_config.quantities import Duration
from kuramori_config.rules import retention_rule
from kuramori_config.schema import Camera, Configuration
from kuramori_config.written_acts import Decision


@dataclass(frozen=True, slots=True)
class WrittenDecision:
    """Who decided something in writing, when and why."""

    who: str
    date: date
    reason: str

    @classmethod
    def of(cls, decision: Decision | None) -> "WrittenDecision | None":
        """Return what stands in the configuration, if anything does."""
        return cls(decision.who, decision.date, decision.reason) if decision is not None else None


@dataclass(frozen=True, slots=True)
class OfficeCamera:
    """One camera as the rules name it."""

    name: str
    place: str
    purpose: str  # "" where it is the site's
    retention: Duration
    floor: Duration
    audio: WrittenDecision | None
    longer: WrittenDecision | None  # beyond the rule set's ceiling
    privacy_mask: bool  # it has to have one
    card_recording: bool


@dataclass(frozen=True, slots=True)
class Office:
    """What the papers say of the site, as configured."""

    installer: str = ""
    purpose: str = ""
    contact: str = ""
    manager: str = ""
    deputies: tuple[str, ...] = ()
    rule_source: str = ""  # where the ceiling of retention stands, in Japanese
    rule_source_english: str = ""
    ceiling: Duration = field(default_factory=lambda: Duration(0))
    threshold: int = 0  # custodians that open, where the set in use cannot be read
    cell_kind: str = ""
    signs_in: bool = False  # every person by own sign-in
    mails: bool = False  # the office is told by mail when recording stops
    vpn: str = ""
    local_networks: tuple[str, ...] = ()
    cameras: tuple[OfficeCamera, ...] = ()
    rules_title: str = ""
    operator: str = ""
    address: str = ""
    recorder_place: str = ""
    in_force_from: date | None = None
    legal_basis: str = ""
    review_board: str = ""
    answer_within: Duration = ANSWER_WITHIN

    @classmethod
    def of(cls, configuration: Configuration) -> "Office":
        """Return the facts that stand in a configuration."""
        site, papers = configuration.site, configuration.papers
        rule = retention_rule(site.rule_set)
        return cls(
            installer=site.installer,
            purpose=site.purpose,
            contact=site.contact,
            manager=site.manager,
            deputies=site.deputies,
            rule_source=rule.source.japanese,
            rule_source_english=rule.source.english,
            ceiling=rule.ceiling,
            threshold=configuration.custody.threshold,
            cell_kind=configuration.keystore.cell.value,
            signs_in=configuration.api is not None,
            mails=configuration.mail is not None,
            vpn=configuration.network.vpn or "",
            local_networks=tuple(str(network) for network in configuration.network.local_networks),
            cameras=tuple(_camera(camera) for camera in configuration.cameras),
            rules_title=papers.rules_title or "",
            operator=papers.operator or "",
            address=papers.address or "",
            recorder_place=papers.recorder_place or "",
            in_force_from=papers.in_force_from,
            legal_basis=papers.legal_basis or "",
            review_board=papers.review_board or "",
            answer_within=papers.answer_within,
        )


def _camera(camera: Camera) -> OfficeCamera:
    return OfficeCamera(
        camera.name,
        camera.place,
        camera.purpose or "",
        camera.retention,
        camera.floor,
        WrittenDecision.of(camera.audio),
        WrittenDecision.of(camera.retention_decision),
        camera.privacy_mask,
        camera.card_recording,
    )
