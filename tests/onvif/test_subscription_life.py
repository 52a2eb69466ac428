"""What is sent next to a camera that is listened to, and when; on a clock of our own."""

from hypothesis import given
from hypothesis import strategies as st

from kuramori_onvif.subscription_life import (
    LONGEST_TERM_SECONDS,
    LONGEST_WAIT_SECONDS,
    REFUSED_WAIT_SECONDS,
    SYNCHRONISE_SECONDS,
    TERM_SECONDS,
    Do,
    SubscriptionLife,
)

SECOND = 1_000_000_000


def _listening(term_seconds: float | None = 100.0) -> SubscriptionLife:
    """A life that began at 0, its states already told."""
    life = SubscriptionLife()
    life.subscribed_at(0, term_seconds)
    life.synchronised(0)
    return life


def test_it_subscribes_asks_for_all_states_then_pulls() -> None:
    """In this order."""
    life = SubscriptionLife()
    assert life.next(0).do is Do.SUBSCRIBE
    life.subscribed_at(0, 100.0)
    assert life.next(0).do is Do.SYNCHRONISE
    life.synchronised(0)
    assert life.next(0).do is Do.PULL


def test_it_renews_at_four_fifths_of_the_term() -> None:
    """Neither sooner nor later, whatever term the camera granted."""
    life = _listening(100.0)
    assert life.next(79 * SECOND).do is Do.PULL
    assert life.next(80 * SECOND).do is Do.RENEW
    life.renewed(80 * SECOND, 100.0)
    assert life.next(159 * SECOND).do is Do.PULL
    assert life.next(160 * SECOND).do is Do.RENEW


def test_a_term_that_is_not_told_is_what_we_asked_for() -> None:
    """And one that makes no sense is kept within bounds."""
    assert _listening(None).renew_due(int(TERM_SECONDS * 0.8) * SECOND)
    assert _listening(10.0**9).renew_due(int(LONGEST_TERM_SECONDS * 0.8) * SECOND)
    assert not _listening(0.001).renew_due(7 * SECOND)


def test_a_refused_renewal_is_not_repeated() -> None:
    """Some cameras break when asked too often: pull to the end of the term, then subscribe anew."""
    life = _listening(100.0)
    life.renewal_refused()
    assert life.next(80 * SECOND).do is Do.PULL
    assert life.next(99 * SECOND).do is Do.PULL
    assert life.next(100 * SECOND).do is Do.SUBSCRIBE


def test_pulling_prolongs_the_term_where_the_camera_says_so() -> None:
    """Then there is nothing to renew; it never shortens it."""
    life = _listening(100.0)
    life.pulled(70 * SECOND, 75 * SECOND, 1, 100.0)
    assert life.next(80 * SECOND).do is Do.PULL
    assert life.next(151 * SECOND).do is Do.RENEW
    life.pulled(151 * SECOND, 155 * SECOND, 1, 1.0)
    assert life.next(156 * SECOND).do is Do.RENEW


def test_a_lost_subscription_is_made_again_at_once() -> None:
    """The camera restarted; but one that forgets each at once is not hurried."""
    life = _listening()
    life.lost(40 * SECOND)
    assert life.next(40 * SECOND).do is Do.SUBSCRIBE
    life.subscribed_at(40 * SECOND, 100.0)
    life.lost(41 * SECOND)
    assert life.next(41 * SECOND).do is Do.WAIT


def test_failures_wait_longer_each_time_and_keep_the_subscription() -> None:
    """2 s, 4 s, 8 s ... at most LONGEST_WAIT_SECONDS; a success begins anew."""
    life = _listening(3000.0)
    waits = []
    for _ in range(9):
        life.failed(0)
        waits.append(life.next(0).wait_seconds)
    assert waits == [2, 4, 8, 16, 32, 64, 120, 120, LONGEST_WAIT_SECONDS]
    assert life.next(121 * SECOND).do is Do.PULL
    life.pulled(121 * SECOND, 125 * SECOND, 0)
    life.failed(125 * SECOND)
    assert life.next(125 * SECOND).wait_seconds == 2


def test_failures_through_the_whole_term_end_in_a_new_subscription() -> None:
    """The old one has run out at the camera."""
    life = _listening(10.0)
    life.failed(9 * SECOND)
    assert life.next(11 * SECOND).do is Do.SUBSCRIBE


def test_a_refused_password_is_not_insisted_on() -> None:
    """A quarter of an hour, so that the account is not locked."""
    life = SubscriptionLife()
    life.failed(0, refused=True)
    assert life.next(0).wait_seconds == REFUSED_WAIT_SECONDS


def test_empty_answers_at_once_are_not_asked_for_in_a_rush() -> None:
    """A camera that does not hold a pull is asked once a second; one that closes at once is failing."""
    life = _listening()
    life.pulled(0, SECOND // 100, 0)
    assert 0.9 < life.next(SECOND // 100).wait_seconds <= 1
    life = _listening()
    life.pulled(0, 20 * SECOND, 0, closed=True)
    assert life.next(20 * SECOND).do is Do.PULL
    life.pulled(20 * SECOND, 20 * SECOND, 0, closed=True)
    assert life.next(20 * SECOND).wait_seconds == 2


def test_a_storm_is_pulled_ten_times_a_second_at_most() -> None:
    """Full answers at once, for ever, do not take a processor."""
    life = _listening()
    life.pulled(0, 0, 64)
    assert 0 < life.next(0).wait_seconds <= 0.1


def test_lost_messages_ask_for_all_states_once_a_minute() -> None:
    """A camera that always says too much is not asked to say more."""
    life = _listening(3000.0)
    life.missed(5 * SECOND)
    assert life.next(5 * SECOND).do is Do.PULL
    assert life.next(int(SYNCHRONISE_SECONDS) * SECOND).do is Do.SYNCHRONISE
    life.synchronised(60 * SECOND)
    life.missed(200 * SECOND)
    assert life.next(200 * SECOND).do is Do.SYNCHRONISE


def test_a_pull_ends_before_the_renewal_is_due() -> None:
    """The camera is not let hold it longer."""
    life = _listening(100.0)
    assert life.pull_seconds(0, 20.0) == 20.0
    assert life.pull_seconds(75 * SECOND, 20.0) == 5.0
    assert life.pull_seconds(200 * SECOND, 20.0) == 1.0


EVENTS = st.sampled_from(["subscribed", "renewed", "refused", "pulled", "closed", "lost", "failed", "missed", "told"])


@given(st.lists(st.tuples(EVENTS, st.floats(0, 500), st.one_of(st.none(), st.floats(-10, 1e9))), max_size=60))
def test_whatever_happens_there_is_always_a_next_step(story: list[tuple[str, float, float | None]]) -> None:
    """Waits are bounded, and a life that was not granted a subscription only subscribes or waits."""
    life, now = SubscriptionLife(), 0
    for what, seconds, term in story:
        then, now = now, now + int(seconds * SECOND)
        match what:
            case "subscribed":
                life.subscribed_at(then, term)
            case "renewed":
                life.renewed(then, term)
            case "refused":
                life.renewal_refused()
            case "pulled" | "closed":
                life.pulled(then, now, 0, term, closed=what == "closed")
            case "lost":
                life.lost(now)
            case "failed":
                life.failed(now)
            case "missed":
                life.missed(now)
            case _:
                life.synchronised(now)
        step = life.next(now)
        assert 0 <= step.wait_seconds <= LONGEST_WAIT_SECONDS
        assert life.subscribed or step.do in (Do.SUBSCRIBE, Do.WAIT)
