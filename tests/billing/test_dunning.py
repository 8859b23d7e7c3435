"""Cases, letters, agreements and write-offs on a real database; days are moved by hand."""

from __future__ import annotations

import io
from datetime import date, timedelta

import pypdf
import pytest
from sqlalchemy import text

from app.billing.arrears import service as arrears
from app.billing.bills import service as bills
from app.billing.dunning import jobs, service
from app.billing.dunning.models import DunningCase
from app.billing.dunning.queries import agreements, cases, collection, letters, write_offs
from app.billing.dunning.rules import Stage
from app.kernel import audit, clock, files
from app.kernel.db import db
from app.kernel.errors import Conflict, NotFound, RuleBroken
from app.kernel.files import StoredFile
from app.ledger import invariants as books
from app.ledger import queries as ledger
from tests.billing.bills import Charge, Counter

DUE = date(2026, 1, 28)
PDF = b"%PDF-1.4 resolution"


@pytest.fixture
def counter(town):
    return Counter(town)


@pytest.fixture
def owed(town, counter):
    """A home with an owner and two overdue bills: 100.00 of January, 50.00 of February."""
    unit = town.add_unit("1-101")
    owner = town.add_owner(unit, "王小明")
    first = counter.issue(unit, "2026-01", Charge(10_000), payer=owner)
    second = counter.issue(unit, "2026-02", Charge(5_000), payer=owner)
    return unit, owner, first, second


def opened(town, on: date) -> int:
    with clock.moved_to(on):
        service.look(town.community_id)
        (one,) = cases.cases(town.community_id, on)
    return one.id


def seen(town, case_id: int, on: date):
    return cases.case(town.community_id, case_id, on)


def pay(town, unit, fen: int, on: date, **more) -> None:
    bills.settle(
        town.community_id,
        unit.id,
        fen,
        received_on=on,
        means="bank",
        source=f"counter:{unit.id}-{on}-{fen}",
        **more,
    )


def stepped(town, case_id: int, on: date) -> None:
    """The friendly reminder, by message."""
    with clock.moved_to(on):
        service.record_act(
            town.community_id, case_id, "message", on, done="发了微信提醒", as_step=True
        )


def delivered(town, case_id: int, on: date) -> int:
    """A letter made and delivered the same day; gives its number."""
    with clock.moved_to(on):
        run = service.make_run(town.community_id, [case_id], "zh_Hans_CN")
        (letter,) = letters.letters(town.community_id, run_id=run.id)
        service.deliver(town.community_id, [letter.id], on, "signed")
    return letter.id


def test_a_case_opens_by_rule_and_closes_when_all_is_paid(town, owed):
    unit = owed[0]
    c = town.community_id
    with clock.moved_to(DUE + timedelta(days=6)):
        assert service.look(c) == (0, 0)
    with clock.moved_to(DUE + timedelta(days=7)):
        assert service.look(c) == (1, 0)
        assert service.look(c) == (0, 0)
    on = date(2026, 3, 15)
    with clock.moved_to(on):
        (one,) = cases.cases(c, on)
        assert (one.open_fen, one.bill_count, one.stage_kind) == (15_000, 2, "none")
        assert one.next_kind == "reminder"
        pay(town, unit, 15_000, on)
        assert service.look(c) == (0, 1)
        assert cases.cases(c, on) == []


def test_the_seller_and_the_buyer_have_a_case_each(town, counter, owed):
    unit = owed[0]
    buyer = town.add_owner(town.add_unit("1-102"), "李四")
    counter.issue(unit, "2026-03", Charge(7_000), payer=buyer)
    on = date(2026, 5, 1)
    with clock.moved_to(on):
        assert service.look(town.community_id) == (2, 0)
    found = {one.payer_name: one.open_fen for one in cases.cases(town.community_id, on)}
    assert found == {"王小明": 15_000, "李四": 7_000}


def test_the_way_from_a_friendly_word_to_the_last_notice(town, owed):
    """Reminder on 10 February, demand from 27 February on, last notice from 28 April on."""
    start = date(2026, 2, 10)
    case_id = opened(town, start)
    with clock.moved_to(start), pytest.raises(RuleBroken):
        service.make_run(town.community_id, [], "zh")
    stepped(town, case_id, start)
    assert seen(town, case_id, start).answer_until == date(2026, 2, 17)
    with clock.moved_to(date(2026, 2, 26)), pytest.raises(RuleBroken):
        service.make_run(town.community_id, [case_id], "zh")
    demand = date(2026, 2, 27)  # thirty days after 28 January
    delivered(town, case_id, demand)
    one = seen(town, case_id, demand)
    assert (one.stage_kind, one.answer_until) == ("demand", date(2026, 3, 14))
    assert one.next_on == date(2026, 4, 28)  # ninety days after the oldest due day
    delivered(town, case_id, date(2026, 4, 28))
    one = seen(town, case_id, date(2026, 6, 1))
    assert (one.stage_kind, one.next_kind, one.state) == ("last_notice", "suit", "finished")


def test_a_written_step_cannot_be_a_phone_call(town, owed):
    case_id = opened(town, date(2026, 2, 10))
    stepped(town, case_id, date(2026, 2, 10))
    with clock.moved_to(date(2026, 4, 1)), pytest.raises(Conflict) as refused:
        service.record_act(
            town.community_id, case_id, "phone", date(2026, 4, 1), said="知道了", as_step=True
        )
    assert refused.value.code == "dunning.written"


def test_a_letter_begins_the_three_years_anew_on_its_delivery_and_only_for_its_bills(
    town, counter, owed
):
    unit, owner, first, second = owed
    case_id = opened(town, date(2026, 2, 10))
    stepped(town, case_id, date(2026, 2, 10))
    on = date(2026, 3, 10)
    with clock.moved_to(on):
        run = service.make_run(town.community_id, [case_id], "zh_Hans_CN")
        made = seen(town, case_id, on)
        assert made.limitation_on == date(2029, 1, 28)
        assert made.left_out == "undelivered"
        (letter,) = letters.letters(town.community_id, run_id=run.id)
        assert letter.open_fen == 15_000
    later = date(2026, 3, 20)
    third = counter.issue(unit, "2026-03", Charge(3_000), payer=owner)
    with clock.moved_to(later):
        assert service.deliver(town.community_id, [letter.id], later, "posted") == 1
        assert service.deliver(town.community_id, [letter.id], later, "posted") == 0
    on = date(2026, 4, 20)
    ends = {debt.bill_id: debt.limitation_on for debt in seen(town, case_id, on).debts}
    assert ends == {
        first.id: date(2029, 3, 20),
        second.id: date(2029, 3, 20),
        third.id: date(2029, 3, 28),
    }


def test_a_letter_that_arrives_after_all_was_paid_is_recorded_all_the_same(town, owed):
    case_id = opened(town, date(2026, 2, 10))
    stepped(town, case_id, date(2026, 2, 10))
    on = date(2026, 3, 10)
    with clock.moved_to(on):
        run = service.make_run(town.community_id, [case_id], "zh")
        (letter,) = letters.letters(town.community_id, run_id=run.id)
        pay(town, owed[0], 15_000, on)
        assert service.look(town.community_id) == (0, 1)
        assert service.deliver(town.community_id, [letter.id], on, "signed") == 1
    assert seen(town, case_id, on).stage_kind == "reminder"


def test_a_returned_letter_counts_for_nothing_and_may_be_sent_again(town, owed):
    case_id = opened(town, date(2026, 2, 10))
    stepped(town, case_id, date(2026, 2, 10))
    on = date(2026, 3, 10)
    with clock.moved_to(on):
        run = service.make_run(town.community_id, [case_id], "zh")
        (letter,) = letters.letters(town.community_id, run_id=run.id)
        service.give_back(town.community_id, [letter.id])
        one = seen(town, case_id, on)
        assert (one.stage_kind, one.limitation_on, one.state) == (
            "reminder",
            date(2029, 1, 28),
            "ready",
        )


def test_a_part_payment_begins_that_bills_years_anew_unless_it_went_back(town, owed):
    unit, _, first, second = owed
    case_id = opened(town, date(2026, 2, 10))
    on = date(2026, 6, 1)
    pay(town, unit, 4_000, on)
    ends = {d.bill_id: d.limitation_on for d in seen(town, case_id, date(2026, 6, 2)).debts}
    assert ends == {first.id: date(2029, 6, 1), second.id: date(2029, 2, 28)}
    settlement = db.session.execute(
        text("SELECT max(id) FROM settlement WHERE community_id = :c"), {"c": town.community_id}
    ).scalar_one()
    bills.take_back(
        town.community_id, settlement, 4_000, source="back:1", reason="退票", received_on=on
    )
    ends = {d.bill_id: d.limitation_on for d in seen(town, case_id, date(2026, 6, 2)).debts}
    assert ends[first.id] == date(2029, 1, 28)


def test_a_batch_is_undone_until_someone_fetches_it(town, owed):
    case_id = opened(town, date(2026, 2, 10))
    on = date(2026, 3, 10)
    with clock.moved_to(on):
        run = service.make_run(town.community_id, [case_id], "zh")
        service.undo_run(town.community_id, run.id)
        assert seen(town, case_id, on).state == "ready"
        with pytest.raises(Conflict):
            service.fetched(town.community_id, run.id)
        again = service.make_run(town.community_id, [case_id], "zh")
        service.fetched(town.community_id, again.id)
        with pytest.raises(Conflict):
            service.undo_run(town.community_id, again.id)


def test_the_paper_names_the_sum_the_days_and_never_a_threat(town, owed):
    case_id = opened(town, date(2026, 2, 10))
    stepped(town, case_id, date(2026, 2, 10))
    with clock.moved_to(date(2026, 3, 10)):
        for language in ("zh_Hans_CN", "en"):
            run = service.make_run(town.community_id, [case_id], language)
            made = jobs.print_letters(town.community_id, run.id)
            kept = db.session.get_one(StoredFile, (town.community_id, made["file_id"]))
            pages = pypdf.PdfReader(io.BytesIO(files.location(kept).read_bytes())).pages
            assert len(pages) == 1
            words = pages[0].extract_text()
            assert "150.00" in words
            assert "15" in words
            if language == "en":
                assert "not affected" in words
            else:
                assert "不受影响" in words
                assert "王小明" in words
            service.undo_run(town.community_id, run.id)


def test_hardship_pauses_and_ends_by_itself(town, owed):
    case_id = opened(town, date(2026, 2, 10))
    with clock.moved_to(date(2026, 2, 10)):
        service.pause(town.community_id, case_id, "hardship", "失业", date(2026, 5, 31))
        with pytest.raises(Conflict):
            service.pause(town.community_id, case_id, "hardship", "失业", date(2026, 5, 31))
        with pytest.raises(Conflict):
            service.record_act(
                town.community_id, case_id, "message", date(2026, 2, 10), done="提醒", as_step=True
            )
    assert seen(town, case_id, date(2026, 5, 31)).state == "paused"
    assert seen(town, case_id, date(2026, 6, 1)).state == "ready"


def test_a_pause_is_ended_before_its_day(town, owed):
    case_id = opened(town, date(2026, 2, 10))
    with clock.moved_to(date(2026, 2, 10)):
        made = service.pause(town.community_id, case_id, "illness", "住院", date(2026, 5, 31))
        service.resume(town.community_id, made.id)
        assert seen(town, case_id, date(2026, 2, 10)).state == "ready"
        with pytest.raises(Conflict):
            service.resume(town.community_id, made.id)


def test_an_objection_pauses_until_it_is_answered(town, owed):
    case_id = opened(town, date(2026, 2, 10))
    on = date(2026, 2, 11)
    with clock.moved_to(on):
        made = service.object_to(town.community_id, case_id, "objection", "面积算错了")
        with pytest.raises(Conflict):
            service.object_to(town.community_id, case_id, "objection", "面积算错了")
        assert seen(town, case_id, on).state == "disputed"
        with pytest.raises(RuleBroken):
            service.answer(town.community_id, made.id, "再闹就停水")
        service.answer(town.community_id, made.id, "已核对产权证，面积无误")
        assert seen(town, case_id, on).state == "ready"


def test_a_promise_waits_for_its_day_then_is_kept_or_broken_by_money(town, owed):
    unit = owed[0]
    case_id = opened(town, date(2026, 2, 10))
    with clock.moved_to(date(2026, 3, 10)):
        service.promise(town.community_id, case_id, date(2026, 3, 20), 12_000)
        with pytest.raises(Conflict):
            service.promise(town.community_id, case_id, date(2026, 3, 21), 1_000)
    one = seen(town, case_id, date(2026, 3, 20))
    assert (one.state, one.limitation_on) == ("promise", date(2029, 3, 10))
    (told,) = agreements.promises(town.community_id, date(2026, 3, 21))
    assert told.state == "broken"
    assert seen(town, case_id, date(2026, 3, 21)).state == "ready"
    pay(town, unit, 12_000, date(2026, 3, 19))
    (told,) = agreements.promises(town.community_id, date(2026, 3, 21))
    assert (told.state, told.received_fen) == ("kept", 12_000)


def test_money_that_came_before_the_promise_does_not_keep_it(town, owed):
    unit = owed[0]
    case_id = opened(town, date(2026, 3, 10))
    pay(town, unit, 2_000, date(2026, 3, 10))
    with clock.moved_to(date(2026, 3, 10)):
        service.promise(town.community_id, case_id, date(2026, 3, 20), 2_000)
    (told,) = agreements.promises(town.community_id, date(2026, 3, 21))
    assert (told.state, told.received_fen) == ("broken", 0)


def test_a_kept_plan_pauses_dunning_and_damages_and_a_broken_one_reopens(town, counter, owed):
    """150.00 in three parts of 50.00 from 1 April; the second is missed: broken from 9 May on."""
    unit, _, first, second = owed
    counter.late_terms()
    c = town.community_id
    case_id = opened(town, date(2026, 3, 10))
    with clock.moved_to(date(2026, 3, 10)):
        plan = service.draw_up(c, case_id, [first.id, second.id], 3, date(2026, 4, 1))
        assert seen(town, case_id, date(2026, 3, 10)).state == "ready"  # a draft binds nobody
        service.sign(c, plan.id, date(2026, 3, 10))
        with pytest.raises(Conflict):
            service.sign(c, plan.id, date(2026, 3, 10))
        with pytest.raises(Conflict):
            service.draw_up(c, case_id, [first.id], 2, date(2026, 4, 1))
    told = agreements.plan(c, plan.id, date(2026, 3, 10))
    assert [part.amount_fen for part in told.parts] == [5_000, 5_000, 5_000]
    pay(town, unit, 5_000, date(2026, 4, 1))
    assert seen(town, case_id, date(2026, 5, 1)).state == "plan"
    with clock.moved_to(date(2026, 5, 1)), pytest.raises(RuleBroken) as refused:
        arrears.charge_damages(c, first.id)
    assert refused.value.code == "damages.plan"
    assert agreements.plan(c, plan.id, date(2026, 5, 8)).state == "late"
    assert seen(town, case_id, date(2026, 5, 8)).state == "plan"
    assert agreements.plan(c, plan.id, date(2026, 5, 9)).state == "broken"
    assert seen(town, case_id, date(2026, 5, 9)).state == "ready"
    with clock.moved_to(date(2026, 5, 9)):
        assert arrears.charge_damages(c, first.id).amount_fen > 0


def test_a_plan_paid_to_the_end_is_done(town, owed):
    unit, _, first, second = owed
    case_id = opened(town, date(2026, 3, 10))
    with clock.moved_to(date(2026, 3, 10)):
        plan = service.draw_up(
            town.community_id, case_id, [first.id, second.id], 2, date(2026, 4, 1)
        )
        service.sign(town.community_id, plan.id, date(2026, 3, 10))
    pay(town, unit, 15_000, date(2026, 4, 1))
    assert agreements.plan(town.community_id, plan.id, date(2026, 4, 2)).state == "done"


def test_a_plan_is_not_signed_when_its_bills_changed(town, owed):
    unit, _, first, second = owed
    case_id = opened(town, date(2026, 3, 10))
    with clock.moved_to(date(2026, 3, 10)):
        plan = service.draw_up(
            town.community_id, case_id, [first.id, second.id], 2, date(2026, 4, 1)
        )
        pay(town, unit, 100, date(2026, 3, 10))
        with pytest.raises(Conflict) as refused:
            service.sign(town.community_id, plan.id, date(2026, 3, 10))
    assert refused.value.code == "plan.changed"


def written_off(town, owed, *, waives: bool = False):
    unit, _, first, _ = owed
    with audit.acting(audit.Actor(account_id=1)):
        made = service.request_write_off(
            town.community_id,
            unit.id,
            [first.id],
            reason="失联三年，查无财产",
            resolution_no="业委会决议〔2026〕3号",
            resolution_on=date(2026, 5, 1),
            resolution_body="业主委员会",
            document=PDF,
            document_name="决议.pdf",
            waives=waives,
        )
        with pytest.raises(RuleBroken) as refused:
            service.decide(town.community_id, made.id, approve=True)
        assert refused.value.code == "write_off.second"
    with audit.acting(audit.Actor(account_id=2)):
        service.decide(town.community_id, made.id, approve=True)
    return made


def test_a_write_off_takes_two_people_a_resolution_and_goes_to_6701(town, owed):
    made = written_off(town, owed)
    first = owed[2]
    db.session.refresh(first)
    assert (first.open_fen, first.notes_fen) == (0, -10_000)
    balance = db.session.execute(
        text(
            "SELECT sum(amount_fen)::bigint FROM posting WHERE community_id = :c"
            " AND account_code = '6701'"
        ),
        {"c": town.community_id},
    ).scalar_one()
    assert balance == 10_000
    (told,) = write_offs.write_offs(town.community_id)
    assert write_offs.by_year([told]) == [(told.year, 1, 10_000, 0)]
    with audit.acting(audit.Actor(account_id=3)), pytest.raises(Conflict):
        service.decide(town.community_id, made.id, approve=True)
    db.session.commit()
    assert [str(one) for one in books.check([town.community_id])] == []


def test_money_after_a_write_off_comes_back_up_to_what_was_written_off(town, owed):
    made = written_off(town, owed)
    unit, _, first, _ = owed
    c = town.community_id
    service.come_in(c, made.id, first.id, 4_000)
    with pytest.raises(Conflict):  # the form sent twice
        service.come_in(c, made.id, first.id, 4_000)
    pay(town, unit, 4_000, date(2026, 6, 1), bill_ids=[first.id])
    with pytest.raises(RuleBroken):
        service.come_in(c, made.id, first.id, 6_001)
    service.come_in(c, made.id, first.id, 6_000)
    db.session.refresh(first)
    assert first.open_fen == 6_000
    assert write_offs.write_off(c, made.id).reversed_fen == 10_000
    db.session.commit()
    assert [str(one) for one in books.check([c])] == []


def test_a_debt_waived_by_the_resolution_does_not_come_back(town, owed):
    made = written_off(town, owed, waives=True)
    with pytest.raises(RuleBroken):
        service.come_in(town.community_id, made.id, owed[2].id, 100)


def test_a_write_off_needs_a_document_that_can_be_read(town, owed):
    unit, _, first, _ = owed
    with pytest.raises(RuleBroken):
        service.request_write_off(
            town.community_id,
            unit.id,
            [first.id],
            reason="失联",
            resolution_no="1",
            resolution_on=date(2026, 5, 1),
            resolution_body="业委会",
            document=b"<script>",
            document_name="x.html",
        )


def test_a_write_off_is_not_approved_when_something_was_paid_since(town, owed):
    unit, _, first, _ = owed
    with audit.acting(audit.Actor(account_id=1)):
        made = service.request_write_off(
            town.community_id,
            unit.id,
            [first.id],
            reason="失联",
            resolution_no="1",
            resolution_on=date(2026, 5, 1),
            resolution_body="业委会",
            document=PDF,
            document_name="x.pdf",
        )
    pay(town, unit, 100, date(2026, 6, 1))
    with audit.acting(audit.Actor(account_id=2)), pytest.raises(Conflict):
        service.decide(town.community_id, made.id, approve=True)


def test_the_collection_rate_by_hand(town, counter, owed):
    """January 100.00: 60.00 on day 30, 20.00 on day 31; a write-off of the rest betters nothing."""
    unit, _, first, second = owed
    pay(town, unit, 6_000, DUE + timedelta(days=30), bill_ids=[first.id])
    pay(town, unit, 2_000, DUE + timedelta(days=31), bill_ids=[first.id])
    bills.correct(town.community_id, first.id, "credit", 2_000, "决议", ground="write_off")
    bills.correct(town.community_id, second.id, "credit", 1_000, "多收")
    january, february = collection.cohorts([town.community_id], date(2026, 6, 1))
    assert (january.billed_fen, january.d30_fen, january.d90_fen) == (10_000, 6_000, 8_000)
    assert january.d365_fen is None  # the year is not over
    assert str(january.to_date) == "0.8"
    assert (february.billed_fen, february.to_date_fen) == (4_000, 0)


def test_stages_are_the_communitys_own_and_kept_in_order(town, owed):
    service.set_stages(
        town.community_id,
        [Stage(1, "reminder", "phone", 3, 7), Stage(2, "demand", "paper", 20, 20, "李经理")],
    )
    assert [stage.days_after_due for stage in cases.stages(town.community_id)] == [3, 20]
    case_id = opened(town, DUE + timedelta(days=3))
    stepped(town, case_id, DUE + timedelta(days=3))
    delivered(town, case_id, DUE + timedelta(days=20))
    assert seen(town, case_id, DUE + timedelta(days=21)).answer_until == DUE + timedelta(days=40)


def test_the_database_itself_knows_no_step_that_cuts(town, owed):
    case_id = opened(town, date(2026, 2, 10))
    db.session.commit()
    for table, column in (("dunning_stage", "kind"), ("dunning_act", "kind")):
        rule = db.session.execute(
            text("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = :name"),
            {"name": f"ck_{table}__{column}"},
        ).scalar_one()
        assert "ARRAY" in rule
    assert db.session.get(DunningCase, (town.community_id, case_id)).stage_no == 0


def test_what_is_not_there_is_not_found(town):
    with pytest.raises(NotFound):
        cases.case(town.community_id, 1, DUE)
    with pytest.raises(NotFound):
        service.resume(town.community_id, 1)
    with pytest.raises(NotFound):
        service.deliver(town.community_id, [1], clock.today(), "signed")
    assert ledger.closed_through(town.community_id, "service") is None
