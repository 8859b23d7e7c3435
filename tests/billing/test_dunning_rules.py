"""Steps keep their order, three years are counted by hand, instalments add up exactly."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.billing.dunning import rules
from app.billing.dunning.rules import Part, Received, Restart, Stage
from app.kernel.errors import Conflict, RuleBroken

DUE = date(2023, 3, 28)


def test_three_years_end_on_the_corresponding_day():
    assert rules.limitation_ends(DUE, []) == date(2026, 3, 28)
    assert rules.limitation_ends(date(2024, 2, 29), []) == date(2027, 2, 28)


def test_a_demand_begins_the_three_years_anew():
    assert rules.limitation_ends(DUE, [Restart(date(2025, 6, 1), "demand")]) == date(2028, 6, 1)


def test_a_demand_on_the_last_day_is_in_time_and_a_day_later_it_is_not():
    in_time = [Restart(date(2026, 3, 28), "demand")]
    too_late = [Restart(date(2026, 3, 29), "demand")]
    assert rules.limitation_ends(DUE, in_time) == date(2029, 3, 28)
    assert rules.limitation_ends(DUE, too_late) == date(2026, 3, 28)


def test_consent_to_pay_renews_a_claim_that_has_run_out_but_mere_acknowledgement_does_not():
    late = date(2026, 9, 1)
    assert rules.limitation_ends(DUE, [Restart(late, "plan")]) == date(2029, 9, 1)
    assert rules.limitation_ends(DUE, [Restart(late, "promise")]) == date(2029, 9, 1)
    assert rules.limitation_ends(DUE, [Restart(late, "acknowledgement")]) == date(2026, 3, 28)
    assert rules.limitation_ends(DUE, [Restart(late, "payment")]) == date(2026, 3, 28)


def test_a_chain_of_demands_holds_only_without_a_gap():
    """2023 due; demanded 2025 (to 2028), paid a part 2027 (to 2030); but nothing until 2031."""
    events = [
        Restart(date(2025, 1, 1), "demand"),
        Restart(date(2027, 12, 31), "payment"),
        Restart(date(2031, 1, 1), "demand"),
    ]
    assert rules.limitation_ends(DUE, events) == date(2030, 12, 31)


def test_a_demand_before_the_debt_was_due_counts_for_nothing():
    assert rules.limitation_ends(DUE, [Restart(DUE, "demand")]) == date(2026, 3, 28)


days = st.dates(date(2020, 1, 1), date(2035, 12, 31))
grounds = st.sampled_from(["demand", "payment", "acknowledgement", "promise", "plan"])


@given(days, st.lists(st.builds(Restart, days, grounds), max_size=6), st.randoms())
def test_restarts_only_ever_prolong_and_their_order_does_not_matter(due, events, chance):
    last = rules.limitation_ends(due, events)
    assert last >= rules.limitation_ends(due, [])
    shuffled = list(events)
    chance.shuffle(shuffled)
    assert rules.limitation_ends(due, shuffled) == last
    counted = {due, *(event.on for event in events)}
    assert any(rules.limitation_ends(day, []) == last for day in counted)


@pytest.mark.parametrize(
    ("left", "said"), [(181, None), (180, 180), (91, 180), (90, 90), (30, 30), (0, 30), (-1, 0)]
)
def test_warnings_come_at_180_90_and_30_days(left, said):
    on = date(2026, 1, 1)
    assert rules.warning(on + timedelta(days=left), on) == said


def test_a_step_waits_for_its_days_and_for_the_answer_to_the_last_one():
    first = rules.next_step(rules.DEFAULT_STAGES, 0, DUE, None)
    assert first
    assert (first.stage.kind, first.earliest_on) == ("reminder", date(2023, 4, 4))
    second = rules.next_step(rules.DEFAULT_STAGES, 1, DUE, date(2023, 5, 20))
    assert second
    assert (second.stage.kind, second.earliest_on) == ("demand", date(2023, 5, 21))
    assert rules.next_step(rules.DEFAULT_STAGES, 3, DUE, DUE) is None


def test_no_step_is_skipped_and_none_comes_too_early():
    step = rules.next_step(rules.DEFAULT_STAGES, 1, DUE, date(2023, 5, 20))
    with pytest.raises(Conflict) as skipped:
        rules.check_step(step, 3, date(2024, 1, 1))
    assert skipped.value.code == "dunning.skipped"
    with pytest.raises(Conflict) as early:
        rules.check_step(step, 2, date(2023, 5, 20))
    assert early.value.code == "dunning.too_early"
    assert rules.check_step(step, 2, date(2023, 5, 21)).no == 2
    with pytest.raises(Conflict):
        rules.check_step(None, 4, date(2024, 1, 1))


@given(st.lists(st.integers(0, 60), min_size=3, max_size=3))
def test_however_slow_the_office_is_every_period_is_given_in_full(waits):
    """Whatever day each step is taken on, the next is later by its whole period to answer."""
    done, until, today = 0, None, DUE
    taken = []
    for wait in waits:
        step = rules.next_step(rules.DEFAULT_STAGES, done, DUE, until)
        assert step is not None
        today = max(today, step.earliest_on) + timedelta(days=wait)
        stage = rules.check_step(step, step.stage.no, today)
        taken.append((today, stage))
        done, until = stage.no, today + timedelta(days=stage.answer_days)
    assert [stage.kind for _, stage in taken] == ["reminder", "demand", "last_notice"]
    for (day, stage), (following, _) in pairwise(taken):
        assert (following - day).days > stage.answer_days
    assert all((day - DUE).days >= stage.days_after_due for day, stage in taken)


@pytest.mark.parametrize(
    "stages",
    [
        [],
        [Stage(1, "demand", "paper", 30, 15), Stage(2, "reminder", "paper", 60, 7)],
        [Stage(1, "reminder", "paper", 7, 7), Stage(2, "last_notice", "paper", 60, 15)],
        [Stage(1, "reminder", "paper", 7, 7), Stage(2, "demand", "paper", 7, 15)],
        [Stage(1, "demand", "paper", 30, 14)],
        [Stage(1, "demand", "phone", 30, 15)],
    ],
)
def test_steps_that_would_press_without_a_fair_demand_are_refused(stages):
    with pytest.raises(RuleBroken):
        rules.check_stages(stages)


def test_the_houses_own_steps_are_lawful():
    rules.check_stages(rules.DEFAULT_STAGES)


@pytest.mark.parametrize(
    "words",
    [
        "再不交就停水",
        "将停止供电",
        "准备断他家的电",
        "给他家停暖气",
        "限制用电",
        "停用其门禁卡",
        "把门锁换了，不让他进",
        "停用电梯",
        "换锁",
        "We will cut off the water",
        "disconnect his electricity",
        "Lock them out",
    ],
)
def test_words_of_cutting_supplies_or_access_are_refused(words):
    with pytest.raises(RuleBroken) as refused:
        rules.check_words(words)
    assert refused.value.code == "dunning.unlawful"


@pytest.mark.parametrize(
    "words",
    [
        "下周三上门核对水费账单",
        "关于电费的疑问已解释",
        "停车费电话联系",
        "绝不停水停电",
        "我们不会停电",
        "请限期缴纳",
        "Called about the water bill; agreed to pay on Friday",
        "断续联系三次，均未接电话",
    ],
)
def test_ordinary_words_pass(words):
    assert rules.check_words(f" {words} ") == words


def test_hundred_yuan_in_three_parts_gives_the_odd_fen_to_the_first():
    parts = rules.instalments(10000, 3, date(2026, 1, 31))
    assert [part.amount_fen for part in parts] == [3334, 3333, 3333]
    assert [part.pay_on for part in parts] == [
        date(2026, 1, 31),
        date(2026, 2, 28),
        date(2026, 3, 31),
    ]


@given(st.integers(36, 10**9), st.integers(2, 36), st.dates(date(2024, 1, 1), date(2030, 12, 31)))
def test_instalments_add_up_exactly_and_differ_by_a_fen_at_most(total, count, first):
    parts = rules.instalments(total, count, first)
    sums = [part.amount_fen for part in parts]
    assert sum(sums) == total
    assert max(sums) - min(sums) <= 1
    assert sums == sorted(sums, reverse=True)
    assert [part.pay_on for part in parts] == sorted({part.pay_on for part in parts})


PLAN = [Part(1, date(2026, 1, 10), 5000), Part(2, date(2026, 2, 10), 5000)]


@pytest.mark.parametrize(
    ("paid", "on", "state"),
    [
        ([], date(2026, 1, 10), "kept"),
        ([], date(2026, 1, 11), "late"),
        ([], date(2026, 1, 17), "late"),
        ([], date(2026, 1, 18), "broken"),
        ([Received(date(2026, 1, 10), 5000)], date(2026, 2, 10), "kept"),
        ([Received(date(2026, 1, 15), 5000)], date(2026, 2, 1), "kept"),
        ([Received(date(2026, 1, 10), 4999)], date(2026, 1, 18), "broken"),
        ([Received(date(2026, 1, 9), 10000)], date(2026, 1, 9), "done"),
        (
            [Received(date(2026, 1, 9), 5000), Received(date(2026, 1, 12), -5000)],
            date(2026, 1, 18),
            "broken",
        ),
    ],
)
def test_a_plan_is_kept_late_or_broken_by_what_came_in(paid, on, state):
    assert rules.plan_state(PLAN, paid, on).state == state


def test_a_plan_whose_bills_are_settled_otherwise_is_done():
    assert rules.plan_state(PLAN, [], date(2026, 6, 1), left_fen=0).state == "done"


@pytest.mark.parametrize(
    ("paid", "on", "state"),
    [
        ([], date(2026, 1, 10), "standing"),
        ([], date(2026, 1, 11), "broken"),
        ([Received(date(2026, 1, 10), 500)], date(2026, 1, 10), "kept"),
        ([Received(date(2026, 1, 10), 499)], date(2026, 1, 11), "broken"),
        ([Received(date(2026, 1, 20), 500)], date(2026, 1, 21), "late"),
    ],
)
def test_a_promise_is_kept_by_money_on_its_day(paid, on, state):
    assert rules.promise_state(500, date(2026, 1, 10), paid, on) == state


def test_the_first_reason_to_leave_out_is_the_one_told():
    step = rules.next_step(rules.DEFAULT_STAGES, 0, DUE, None)
    assert rules.left_out({"plan", "paused"}, step, DUE) == "paused"
    assert rules.left_out((), step, DUE) == "too_early"
    assert rules.left_out((), None, DUE) == "finished"
    assert rules.left_out((), step, date(2023, 4, 4)) is None
