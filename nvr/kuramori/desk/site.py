"""The facts of the site that the desk judges by: its rules, cameras and people, as plain values.

Made from the configuration by the composition root. Must not know files.
"""

from dataclasses import dataclass

from kuramori_config.schema import Configuration, Role


@dataclass(frozen=True, slots=True)
class SiteCamera:
    """A configured camera."""

    name: str
    place: str


@dataclass(frozen=True, slots=True)
class SitePerson:
    """A person with duties."""

    name: str
    title: str
    roles: frozenset[Role]


@dataclass(frozen=True, slots=True)
class Site:
    """What the desk needs to know of the configuration."""

    recorder_id: bytes
    name: str
    rule_set: str
    time_zone: str
    cameras: tuple[SiteCamera, ...]
    people: tuple[SitePerson, ...]

    @classmethod
    def of(cls, configuration: Configuration, recorder_id: bytes) -> "Site":
        """Return the facts that stand in a configuration."""
        site = configuration.site
        return cls(
            recorder_id,
            site.name,
            site.rule_set.value,
            site.time_zone,
            tuple(SiteCamera(camera.name, camera.place) for camera in configuration.cameras),
            tuple(SitePerson(person.name, person.title, frozenset(person.roles)) for person in configuration.people),
        )

    def camera(self, name: str) -> SiteCamera | None:
        """Return the camera of that name."""
        return next((camera for camera in self.cameras if camera.name == name), None)

    def person(self, name: str) -> SitePerson | None:
        """Return the person of that name."""
        return next((person for person in self.people if person.name == name), None)
