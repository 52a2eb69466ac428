"""Overdue hours die by custodians' word: what is over by their date, once, and nothing that only a clock says."""

from pathlib import Path

from kuramori.erasure_messages import ConfirmTimeRequest, Erasure
from kuramori.forgetting import Forgetting
from kuramori.messages import ErasureCause, Failure, FailureCode
from kuramori.overdue_answers import OverdueAnswers
from kuramori_segments.ledger_records import ErasureReceipt
from kuramori_segments.time_statement import confirm, new_statement
from tests.fakes.house import START_UTC_MS, House, running_house
from tests.nvr.test_forgetting import HOUR_MS, after_a_power_cut


def told(receipt: ErasureReceipt) -> Erasure:
    """Say little of a receipt."""
    cause = ErasureCause(receipt.rule)
    return Erasure(receipt.erasure_number, receipt.erasure_id, receipt.erased_utc_ms, cause, receipt.tier, (), 0)


def vouched(house: House, later_than_utc_ms: int, signers: int, recorder_id: bytes = b"") -> ConfirmTimeRequest:
    """Have custodians sign that it is later than this."""
    office = house.vault.office.current
    statement = new_statement(recorder_id or house.vault.identity.recorder_id, office, later_than_utc_ms)
    signed = tuple(confirm(statement, key, later_than_utc_ms + 1).to_bytes() for key in house.keys[:signers])
    return ConfirmTimeRequest(statement.statement_id.hex(), signed, "Sato Hanako")


async def test_custodians_have_destroyed_what_no_clock_may(tmp_path: Path) -> None:
    """Too few, another recorder's, too early a date: nothing dies. k with the date: it dies, once, with a receipt."""
    synchronised = True
    async with running_house(tmp_path) as house:
        forgetting = Forgetting(house.recorder, lambda: synchronised)
        answers = OverdueAnswers(house.recorder, forgetting, told)
        await forgetting.catch_up()
        house.record("gate", 5)
        epochs = house.vault.keystore.epochs()
        assert answers.overdue().cameras == ()
        synchronised = False
        after_a_power_cut(house, HOUR_MS * 5)
        await forgetting.catch_up()
        (found,) = answers.overdue().cameras
        assert (found.camera, found.keys, found.from_utc_ms) == ("gate", 1, epochs[0].first_utc_ms)
        k = house.vault.office.current.k
        date = START_UTC_MS + 5 * HOUR_MS
        for refused in (vouched(house, date, k - 1), vouched(house, date, k, bytes(16))):
            answer = await answers.confirm(refused)
            assert isinstance(answer, Failure)
            assert answer.code is FailureCode.TIME_UNPROVEN
        early = await answers.confirm(vouched(house, START_UTC_MS + HOUR_MS, k))
        assert isinstance(early, Erasure)
        assert house.vault.keystore.epochs() == epochs
        assert "overdue" in house.recorder.problems
        question = vouched(house, date, k)
        receipt = await answers.confirm(question)
        assert isinstance(receipt, Erasure)
        assert (receipt.erasure_id, receipt.cause) == (question.erasure_id, ErasureCause.RETENTION)
        assert house.vault.keystore.epochs() == ()
        assert house.openable("gate") == [False]
        assert "overdue" not in house.recorder.problems
        assert await answers.confirm(question) == receipt
        entered = house.vault.ledger.erasure(question.erasure_id)
        assert entered is not None
        assert entered.person == "Sato Hanako"
        assert all(key.card.name in entered.reason for key in house.keys[:k])


async def test_what_custodians_vouch_for_goes_on_counting(tmp_path: Path) -> None:
    """The date is a lower bound from then on: hours that reach their end by it die without another statement."""
    synchronised = True
    async with running_house(tmp_path) as house:
        forgetting = Forgetting(house.recorder, lambda: synchronised)
        await forgetting.catch_up()
        house.record("gate", 5)
        synchronised = False
        after_a_power_cut(house, HOUR_MS)
        answers = OverdueAnswers(house.recorder, forgetting, told)
        await answers.confirm(vouched(house, START_UTC_MS + HOUR_MS, house.vault.office.current.k))
        assert len(house.vault.keystore.epochs()) == 1
        reference = house.vault.keystore.reference
        assert reference is not None
        assert not reference.trusted
        house.clock.pass_ms(3 * HOUR_MS)
        await forgetting.catch_up()
        assert house.vault.keystore.epochs() == ()
