"""What is remembered of media over restarts."""

import os
from pathlib import Path

import pytest

from kuramori.camera_messages import Light
from kuramori.storage_health.medium_facts import MediumFacts
from kuramori.storage_health.medium_history import LIVES_KEPT, MediumHistory

NOW = 1_790_000_000_000
PLACE = "/srv/kuramori/volume0"


def card(letter: str, sectors: int | None = None) -> MediumFacts:
    return MediumFacts("mmcblk0", identity=f"cid:{letter * 32}", written_sectors=sectors)


def again(history: MediumHistory, path: Path) -> MediumHistory:
    """The recorder restarts."""
    history.save(history.snapshot())
    after = MediumHistory(path)
    after.read()
    return after


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "storage_health.json"


def test_a_card_swapped_while_nothing_ran_is_noticed_and_accepted_once(path: Path) -> None:
    """The first one ever seen is accepted; another one is not, over restarts, until somebody says so."""
    history = MediumHistory(path)
    history.look(PLACE, card("a"), "boot", NOW)
    assert not history.place(PLACE).swapped
    history = again(history, path)
    history.look(PLACE, card("b"), "boot 2", NOW)
    assert history.place(PLACE).swapped
    history = again(history, path)
    assert history.place(PLACE).swapped
    history.accept(PLACE)
    history = again(history, path)
    history.look(PLACE, card("b"), "boot 3", NOW)
    assert not history.place(PLACE).swapped
    history.look(PLACE, card("a"), "boot 3", NOW)
    assert history.place(PLACE).swapped


def test_a_card_that_does_not_tell_is_no_other_card(path: Path) -> None:
    """An identity that cannot be read now is not an exchange."""
    history = MediumHistory(path)
    history.look(PLACE, card("a"), "boot", NOW)
    history.look(PLACE, MediumFacts(trouble="not_there"), "boot", NOW)
    assert not history.place(PLACE).swapped


def test_what_was_written_is_counted_over_restarts_of_the_machine(path: Path) -> None:
    """The system's counter begins at zero with each boot and each time a card is plugged in."""
    history = MediumHistory(path)
    history.look(PLACE, card("a", 1000), "boot", NOW)  # written before it was ever looked at: not ours to know
    assert history.life(PLACE).written_bytes == 0
    history.look(PLACE, card("a", 1500), "boot", NOW)
    history = again(history, path)  # the recorder alone
    history.look(PLACE, card("a", 1700), "boot", NOW)
    assert history.life(PLACE).written_bytes == 700 * 512
    history = again(history, path)  # the machine: a counter that passed its old value all the same began anew
    history.look(PLACE, card("a", 2000), "boot 2", NOW)
    assert history.life(PLACE).written_bytes == 2700 * 512
    history.look(PLACE, card("a", 10), "boot 2", NOW)  # plugged in again
    assert history.life(PLACE).written_bytes == 2710 * 512


def test_a_life_follows_its_card(path: Path) -> None:
    """Errors and writes of one card are not the next one's; when it comes back it has them still."""
    history = MediumHistory(path)
    history.look(PLACE, card("a", 0), "boot", NOW)
    history.met(PLACE, 3, NOW)
    history.look(PLACE, card("b", 0), "boot", NOW)
    assert history.life(PLACE).io_errors == 0
    history.look("/other", card("a", 100), "boot", NOW)
    assert (history.life("/other").io_errors, history.life("/other").written_bytes) == (3, 51_200)


def test_the_light_is_remembered_with_its_moment(path: Path) -> None:
    """Since when it is red does not begin anew with a restart."""
    history = MediumHistory(path)
    assert history.lit(PLACE, Light.RED, NOW) == NOW
    history = again(history, path)
    assert history.lit(PLACE, Light.RED, NOW + 5000) == NOW
    assert history.lit(PLACE, Light.UNKNOWN, NOW + 9000) == NOW + 9000


def test_media_are_not_remembered_without_end(path: Path) -> None:
    """A drawer full of cards does not grow the file."""
    history = MediumHistory(path)
    for number in range(3 * LIVES_KEPT):
        history.look(PLACE, MediumFacts("mmcblk0", identity=f"cid:{number:032x}"), "boot", NOW)
    assert len(history.snapshot().lives) == LIVES_KEPT
    assert history.life(PLACE).identity == f"cid:{3 * LIVES_KEPT - 1:032x}"


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"version": 1, "places": 7}', b'{"version": 99}', os.urandom(99)]
)
def test_a_file_that_cannot_be_read_is_begun_anew(path: Path, content: bytes) -> None:
    """What is remembered may be lost; recording goes on."""
    path.write_bytes(content)
    history = MediumHistory(path)
    history.read()
    assert history.snapshot().places == ()
