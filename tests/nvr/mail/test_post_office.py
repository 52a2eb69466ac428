"""The post room at a real mail server: down and up again, flooded, restarted; and what the mails say."""

from collections.abc import Callable, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from kuramori.mail.mail_memory import MailMemory, MemoryUnreadable, load_memory, revived
from kuramori.mail.outbox import LONGEST_WAIT_MS, REFUSALS_MOST, WAITING_MOST
from kuramori.mail.post import Moment, PostRules
from kuramori.mail.secret_reader import ReadSecret
from kuramori.mail.sending import PostOffice
from kuramori.site_state import SiteProblem
from kuramori_config.mail_table import Mail
from tests.fakes.mail_server import PASSWORD, MailServer, text_of
from tests.nvr.mail.test_delivery import mail_for

RULES = PostRules("Kita school route", ZoneInfo("Asia/Tokyo"), "both", "08:30", 30.0, 6)


class Office:
    """A post office whose time is told."""

    def __init__(self, folder: Path, mail: Mail) -> None:
        self.now = Moment(1_790_000_000_000, 1_000_000)
        self.folder = folder
        self.mail = mail
        self.office = self.open()

    def open(self) -> PostOffice:
        return PostOffice(self.mail, RULES, self.folder / "mail.json", ReadSecret(self.folder / "secrets"), self.moment)

    def moment(self) -> Moment:
        return self.now

    def wait(self, milliseconds: int) -> None:
        self.now = Moment(self.now.utc_ms + milliseconds, self.now.boot_ms + milliseconds)

    def see(self, problems: Sequence[SiteProblem]) -> bool:
        return self.office.post.observe(problems, self.now)

    def become(self, problems: Sequence[SiteProblem]) -> bool:
        """The same problems for long enough to be told."""
        self.see(problems)
        self.wait(31_000)
        return self.see(problems)


@pytest.fixture
def make(tmp_path: Path) -> Callable[[MailServer], Office]:
    def office(server: MailServer) -> Office:
        server.secret(tmp_path / "secrets")
        return Office(tmp_path, mail_for(server))

    return office


def problem(name: str) -> SiteProblem:
    return SiteProblem(f"camera {name}", f"camera {name} is not recorded", f"カメラ {name} 録画停止")


async def test_red_and_green_are_read_in_both_languages(tmp_path: Path, make: Callable[[MailServer], Office]) -> None:
    """The subject alone tells; the body names what, since when, and what still stands."""
    async with MailServer(tmp_path) as server:
        office = make(server)
        assert office.become([problem("gate")])
        assert await office.office.send_one()
        assert office.become([])
        assert await office.office.send_one()
    red, green = server.messages
    assert str(red["Subject"]) == (
        "【赤・異常】Kita school route: カメラ gate 録画停止 / RED: Kita school route: camera gate is not recorded"
    )
    assert "カメラ gate 録画停止" in text_of(red)
    assert "現在続いている異常: 1 件" in text_of(red)
    assert "Problems that stand now: 1" in text_of(red)
    assert str(green["Subject"]).startswith("【緑・正常】Kita school route: 復旧")
    assert "Nothing is wrong now: green." in text_of(green)
    assert red["To"] == "office@city.example, night@city.example"


async def test_a_server_that_is_down_gets_them_later(tmp_path: Path, make: Callable[[MailServer], Office]) -> None:
    """The queue outlives the process; tries come ever less often; the date is that of the writing."""
    async with MailServer(tmp_path) as server:
        office = make(server)
        await server.stop()
        office.become([problem("gate")])
        written = office.now.utc_ms
        assert await office.office.send_one()
        assert not await office.office.send_one()  # the server is left alone for a while
        tries = 1
        for _ in range(600):
            office.wait(10_000)
            tries += await office.office.send_one()
        assert 8 <= tries <= 20
        assert office.office.post.counted.failed == tries
        office.office = office.open()
        await server.start()
        office.wait(LONGEST_WAIT_MS)
        assert await office.office.send_one()
        assert not await office.office.send_one()
    (message,) = server.messages
    assert message["Date"].datetime.timestamp() == written // 1000
    assert PASSWORD not in (tmp_path / "mail.json").read_text()
    counters = load_memory(tmp_path / "mail.json").counters
    assert counters.sent == 1
    assert counters.last_success_utc_ms == office.now.utc_ms


async def test_a_queue_that_overflows_gives_up_the_oldest_and_says_so(
    tmp_path: Path, make: Callable[[MailServer], Office]
) -> None:
    """However long the server is away."""
    async with MailServer(tmp_path) as server:
        office = make(server)
        for day in range(WAITING_MOST + 5):
            office.wait(86_400_000)
            (office.become([problem("gate")]) if day % 2 == 0 else office.become([]))
        waiting = office.office.post.outbox.waiting
        assert len(waiting) == WAITING_MOST
        assert office.office.post.counted.given_up == 5
        await office.office.remember()
        assert (tmp_path / "mail.json").stat().st_size < 1 << 20
        while await office.office.send_one():
            pass
    assert "could not be delivered and were given up" in text_of(server.messages[-1])
    assert office.office.post.counted.sent == WAITING_MOST


async def test_a_thousand_problems_are_one_mail(tmp_path: Path, make: Callable[[MailServer], Office]) -> None:
    """With forty lines and an honest number."""
    async with MailServer(tmp_path) as server:
        office = make(server)
        office.become([problem(f"c{number}") for number in range(1000)])
        while await office.office.send_one():
            pass
    (message,) = server.messages
    text = text_of(message)
    assert "(and 999 more)" in str(message["Subject"])
    assert "ほか 960 件" in text
    assert "and 960 more" in text
    assert "Problems that stand now: 1000" in text


async def test_a_camera_that_comes_and_goes_all_day_floods_nobody(
    tmp_path: Path, make: Callable[[MailServer], Office]
) -> None:
    """Six mails an hour at most, and the next after that tells what was held back."""
    async with MailServer(tmp_path) as server:
        office = make(server)
        for number in range(60):
            office.become([problem("gate")] if number % 2 == 0 else [])
        assert len(office.office.post.outbox.waiting) == 6
        office.wait(3_600_000)
        office.become([])
        while await office.office.send_one():
            pass
    assert len(server.messages) == 7
    assert "Came and went meanwhile" in text_of(server.messages[-1])


async def test_a_restart_tells_nothing_twice(tmp_path: Path, make: Callable[[MailServer], Office]) -> None:
    """What was told is known, and its end is told by the process after it."""
    async with MailServer(tmp_path) as server:
        office = make(server)
        office.become([problem("gate")])
        await office.office.remember()
        office.office = office.open()
        assert not office.become([problem("gate")])
        assert office.become([])


async def test_a_mail_that_is_refused_for_good_does_not_stop_the_others(
    tmp_path: Path, make: Callable[[MailServer], Office]
) -> None:
    """It is given up after some tries, and counted."""
    async with MailServer(tmp_path, refuse_data="554 no") as server:
        office = make(server)
        office.become([problem("gate")])
        for _ in range(REFUSALS_MOST):
            office.wait(LONGEST_WAIT_MS)
            assert await office.office.send_one()
        assert office.office.post.outbox.waiting == ()
        server.refuse_data = ""
        office.wait(LONGEST_WAIT_MS)
        office.become([])
        assert await office.office.send_one()
    assert "could not be delivered" in text_of(server.messages[0])
    assert office.office.post.counted.given_up == 1


async def test_a_memory_that_is_damaged_costs_no_mail(tmp_path: Path, make: Callable[[MailServer], Office]) -> None:
    """It is begun anew."""
    (tmp_path / "mail.json").write_text("{nonsense")
    with pytest.raises(MemoryUnreadable):
        load_memory(tmp_path / "mail.json")
    async with MailServer(tmp_path) as server:
        office = make(server)
        assert office.become([problem("gate")])
        assert await office.office.send_one()
    assert len(server.messages) == 1


def test_another_boot_forgets_ages_and_nothing_else() -> None:
    """Boot time begins anew: mails of the last hour count as if they went now."""
    memory = MailMemory(boot_id="one", sent_boot_ms=(5, 6))
    assert revived(memory, "one", 9) is memory
    assert revived(memory, "two", 9).sent_boot_ms == (9, 9)
