"""The facts of the site that the desk judges by: its rules, cameras and people, as plain values.

Made from the configuration by the composition root, and made again when that is read again. Must not know files.
"""

from dataclasses import dataclass, field

from kuramori.desk.grounds import RuleBook, rule_book
from kuramori.desk.office import Office
from kuramori_config.requests_table import Requests
from kuramori_config.schema import Camera, Configuration, Role


@dataclass(frozen=True, slots=True)
class AudioDecision:
    """The written decision to record a camera's sound (R3)."""

    who: str
    date: str  # ISO 8601
    reason: str


@dataclass(frozen=True, slots=True)
class SiteCamera:
    """A configured camera, or one that was removed."""

    name: str
    place: str
    address: str = ""  # without credentials; empty for a removed one
    audio: AudioDecision | None = None

    @classmethod
    def of(cls, table: Camera) -> "SiteCamera":
        """Return the facts that stand in a camera's table."""
        address = table.onvif or table.rtsp
        decision = table.audio
        return cls(
            table.name,
            table.place,
            address.url if address is not None else "",
            AudioDecision(decision.who, decision.date.isoformat(), decision.reason) if decision is not None else None,
        )


@dataclass(frozen=True, slots=True)
class SitePerson:
    """A person with duties."""

    name: str
    title: str
    roles: frozenset[Role]


@dataclass(slots=True)
class Site:
    """What the desk needs to know of the configuration. One object for the whole desk: `adopt` changes it in place."""

    recorder_id: bytes
    name: str
    rule_set: str
    time_zone: str
    cameras: tuple[SiteCamera, ...]
    people: tuple[SitePerson, ...]
    removed: tuple[SiteCamera, ...] = ()  # recordings of them may still be there
    volumes: tuple[str, ...] = ()  # paths, as configured
    office: Office = field(default_factory=Office)  # what only the papers name
    terms: Requests = field(default_factory=Requests)  # for requests, until the next start
    sign_in: bool = False  # every person signs in ([api]), until the next start

    @classmethod
    def of(cls, configuration: Configuration, recorder_id: bytes) -> "Site":
        """Return the facts that stand in a configuration."""
        site = configuration.site
        return cls(
            recorder_id,
            site.name,
            site.rule_set.value,
            site.time_zone,
            tuple(SiteCamera.of(camera) for camera in configuration.cameras),
            tuple(SitePerson(person.name, person.title, frozenset(person.roles)) for person in configuration.people),
            tuple(SiteCamera(camera.name, camera.place) for camera in configuration.retired_cameras),
            tuple(str(volume.path) for volume in configuration.volumes),
            sign_in=configuration.api is not None,
            office=Office.of(configuration),
            terms=configuration.requests,
        )

    def adopt(self, newer: "Site") -> None:
        """Take over the cameras, the people, the name and what the papers say of a configuration that was read again.

        Rule set and time zone stay until the next start: requests in progress were filed under them.
        """
        self.name, self.cameras, self.people, self.removed = newer.name, newer.cameras, newer.people, newer.removed
        self.office = newer.office

    @property
    def rules(self) -> RuleBook:
        """The grounds that the site goes by."""
        return rule_book(self.rule_set, self.terms)

    def camera(self, name: str) -> SiteCamera | None:
        """Return the configured or removed camera of that name."""
        return next((camera for camera in (*self.cameras, *self.removed) if camera.name == name), None)

    def in_service(self, name: str) -> SiteCamera | None:
        """Return the configured camera of that name."""
        return next((camera for camera in self.cameras if camera.name == name), None)

    def person(self, name: str) -> SitePerson | None:
        """Return the person of that name."""
        return next((person for person in self.people if person.name == name), None)
