"""What papers are printed from: the configuration, the custodian set in use, and what the recorder said of itself.

Values only. A paper that needs a text which nobody configured is not printed: `require` says which key to set. Must not
know pages or HTTP.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo

from kuramori.desk.grounds import Ground, Wording
from kuramori.desk.office import Office
from kuramori.desk.paper_fault import PaperOptionMissing
from kuramori.desk.site import SitePerson
from kuramori_config.schema import Role


@dataclass(frozen=True, slots=True)
class PaperFacts:
    """Everything that rules, notices and forms say. `tier` is empty where the recorder does not answer."""

    site: str
    recorder_id: str
    rule_set: str
    zone: tzinfo
    printed_utc_ms: int
    office: Office
    people: tuple[SitePerson, ...]
    k: int
    n: int  # 0: the custodian set cannot be read
    tier: str
    grounds: tuple[Ground, ...]
    private: Wording  # what other private persons are told

    @property
    def operator(self) -> str:
        """Who puts the cameras up."""
        return self.office.operator or self.office.installer

    def titled(self, name: str) -> str:
        """Return a person's office and name."""
        person = next((person for person in self.people if person.name == name), None)
        return f"{person.title} {person.name}" if person is not None else name

    def holders(self, role: Role) -> tuple[str, ...]:
        """Return who has a role, with office and name."""
        return tuple(f"{person.title} {person.name}" for person in self.people if role in person.roles)


def require(keys: Mapping[str, object]) -> None:
    """Say which of these keys are missing, if any. Raises PaperOptionMissing."""
    missing = tuple(key for key, value in keys.items() if not value)
    if missing:
        raise PaperOptionMissing(missing)
