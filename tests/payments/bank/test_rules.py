"""What a bank line may be: worked by hand, and what must hold for any."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.payments.bank import rules
from app.payments.bank.rooms import Door, Doors, named
from app.payments.bank.rules import Book, Home, Known, Movement, OpenBill

DOORS = Doors.of(
    [
        Door(1, "3", "2", "501"),
        Door(2, "3", "2", "502"),
        Door(3, "3", "1", "501"),
        Door(4, "12", "", "101"),
        Door(5, "B", "", "301"),
    ]
)
DAY = date(2026, 3, 20)


def bill(id: int, month: str, fen: int) -> OpenBill:
    first = date.fromisoformat(f"{month}-01")
    return OpenBill(id, first, first + timedelta(days=27), fen)


def book(*homes: Home, known: tuple[Known, ...] = (), street: tuple[str, ...] = ()) -> Book:
    return Book.of(homes, DOORS, known, street)


def best(line: Movement, in_book: Book) -> rules.Proposal:
    found = rules.propose(line, in_book)
    assert found
    return found[0]


@pytest.mark.parametrize(
    ("text", "sure", "perhaps"),
    [
        ("3栋2单元501物业费", (1,), ()),
        ("3-2-501", (1,), ()),
        ("３－２－５０１", (1,), ()),
        ("3号楼2单元501室", (1,), ()),
        ("3幢501", (), (1, 3)),
        ("3栋502 物业费", (2,), ()),
        ("3栋2单元501、502", (1, 2), ()),
        ("12-101三月", (4,), ()),
        ("12栋1单元101", (4,), ()),
        ("b座301", (5,), ()),
        ("501室", (), (1, 3)),
        ("2026-03-20 转账", (), ()),
        ("尾号 3501", (), ()),
        ("13-2-501", (), ()),
        ("金额3-2-5010", (), ()),
        ("", (), ()),
    ],
)
def test_a_remark_names_homes_as_people_write_them(text, sure, perhaps):
    found = named(text, DOORS)
    assert (found.sure, found.perhaps) == (sure, perhaps)


HOME = Home(1, "3-2-501", ("张三",), (bill(11, "2026-02", 10000), bill(12, "2026-03", 12000)))


def test_room_name_and_all_that_is_open_are_nearly_certain():
    """45 + 30 + 40 + 5 for the day, and nothing of homes is above 99."""
    one = best(Movement(22000, DAY, "张三", "3栋2单元501"), book(HOME))
    assert (one.score, one.parts[0].bill_ids, one.parts[0].over_fen) == (99, (11, 12), 0)


def test_a_room_and_all_that_is_open():
    """45 + 40 + 5."""
    one = best(Movement(22000, DAY, "李四", "3-2-501"), book(HOME))
    assert (one.score, one.parts[0].laid_fen) == (90, 22000)
    assert rules.may_go_together(one, [])


def test_a_name_and_one_month_is_for_a_person_to_look_at():
    """30 + 35 + 5 for the month in the remark + 5 for the day."""
    one = best(Movement(12000, DAY, "张三", "3月物业费"), book(HOME))
    assert (one.score, one.parts[0].bill_ids) == (75, (12,))
    assert not rules.may_go_together(one, [])


def test_too_little_pays_the_oldest_and_too_much_would_be_credit():
    part = best(Movement(5000, DAY, "张三", "3-2-501"), book(HOME))
    assert (part.score, part.parts[0].laid_fen, part.parts[0].over_fen) == (75, 5000, 0)
    over = best(Movement(30000, DAY, "张三", "3-2-501"), book(HOME))
    assert (over.score, over.parts[0].laid_fen, over.parts[0].over_fen) == (75, 22000, 8000)
    assert not rules.may_go_together(over, [])


def test_one_line_for_two_homes_named_together():
    other = Home(2, "3-2-502", (), (bill(21, "2026-03", 8000),))
    one = best(Movement(30000, DAY, "某公司", "3栋2单元501、502"), book(HOME, other))
    assert [(part.unit_id, part.laid_fen) for part in one.parts] == [(1, 22000), (2, 8000)]
    assert one.score == 90  # 45 + 40 + 5


def test_one_payer_with_two_homes_and_the_sum_of_both():
    """30 + 40 + 5, and neither home alone fits."""
    other = Home(4, "12-101", ("张三",), (bill(41, "2026-03", 8000),))
    one = best(Movement(30000, DAY, "张三", "物业费"), book(HOME, other))
    assert (one.score, len(one.parts)) == (75, 2)


def test_two_homes_as_likely_are_never_confirmed_together():
    twin = Home(3, "3-1-501", ("张三",), HOME.bills)
    found = rules.propose(Movement(22000, DAY, "张三", "3栋501"), book(HOME, twin))
    assert found[0].score == found[1].score
    assert not rules.may_go_together(found[0], found[1:])


def test_the_same_number_is_certain_and_hides_guesses():
    known = (Known("payment", 7, 22000, DAY - timedelta(days=9), ("TX-20260311",)),)
    found = rules.propose(
        Movement(22000, DAY, "张三", "3-2-501", reference="tx-20260311"), book(HOME, known=known)
    )
    assert [(one.kind, one.target_id, one.score) for one in found] == [("payment", 7, 100)]


def test_the_same_number_with_another_sum_matches_a_part():
    known = (Known("payment", 7, 22000, DAY, ("TX20260311",)),)
    one = best(Movement(20000, DAY, remark="回单 TX20260311"), book(known=known))
    assert (one.score, one.amount_fen) == (60, 20000)


def test_a_payout_of_this_sum_within_three_days():
    known = (Known("payout", 3, 99400, DAY - timedelta(days=2), ("po_123456",)),)
    assert best(Movement(99400, DAY, "STRIPE PAYMENTS"), book(known=known)).score == 90
    assert best(Movement(99400, DAY, "某银行"), book(known=known)).score == 70
    assert not rules.propose(Movement(99400, DAY + timedelta(days=2)), book(known=known))
    assert not rules.propose(Movement(-99400, DAY), book(known=known))


def test_the_streets_money_is_never_laid_on_homes():
    street = ("梧桐街道",)
    for line in (
        Movement(22000, DAY, "梧桐街道办事处", "3-2-501"),
        Movement(22000, DAY, "望江区财政局", "3-2-501 物业费补贴"),
    ):
        found = rules.propose(line, book(HOME, street=street))
        assert [one.kind for one in found] == ["subsidy"]
    assert best(Movement(22000, DAY, "张三", "3-2-501 补贴后"), book(HOME)).kind == "homes"


def test_neutral_and_outgoing_lines_are_not_for_homes():
    for line in (
        Movement(22000, DAY, "张三", "3-2-501", kind="neutral"),
        Movement(-22000, DAY, "张三", "3-2-501"),
        Movement(22000, DAY, "张三", "3-2-501", kind="refund"),
    ):
        assert not rules.propose(line, book(HOME))


@pytest.mark.parametrize(
    ("text", "months"),
    [
        ("3月物业费", ["2026-03"]),
        ("1-3月", ["2026-01", "2026-02", "2026-03"]),
        ("12月份", ["2025-12"]),
        ("2025年11月", ["2025-11"]),
        ("2025-11 物业费", ["2025-11"]),
        ("物业费", []),
    ],
)
def test_the_months_a_remark_names(text, months):
    found = rules.months_named(text, DAY)
    assert sorted(f"{one:%Y-%m}" for one in found) == months


bills = st.lists(st.integers(1, 50000), max_size=6).map(
    lambda sums: tuple(bill(100 + at, f"2026-{at + 1:02d}", fen) for at, fen in enumerate(sums))
)
homes = st.lists(
    st.tuples(st.sampled_from([1, 2, 3, 4, 5]), st.sampled_from(["张三", "李四", ""]), bills),
    max_size=5,
    unique_by=lambda one: one[0],
)
lines = st.builds(
    Movement,
    amount_fen=st.integers(-200000, 200000).filter(bool),
    on=st.dates(date(2026, 1, 1), date(2026, 12, 31)),
    counterparty=st.sampled_from(["张三", "李四", "某公司", ""]),
    remark=st.sampled_from(["3-2-501", "3栋501", "501室", "3栋2单元501、502", "3月", ""]),
)


@given(homes, lines, st.booleans(), st.randoms())
def test_never_more_than_open_and_the_same_in_any_order(given_homes, line, whole, chance):
    made = [
        Home(unit_id, str(unit_id), (name,) if name else (), own)
        for unit_id, name, own in given_homes
    ]
    if whole and made and made[0].open_fen:
        line = Movement(made[0].open_fen, line.on, line.counterparty, line.remark)
    found = rules.propose(line, book(*made))
    by_id = {one.unit_id: one for one in made}
    for one in found:
        assert sum(part.amount_fen for part in one.parts) == line.amount_fen
        for part in one.parts:
            open_fen = {own.id: own.open_fen for own in by_id[part.unit_id].bills}
            assert 0 <= part.laid_fen <= sum(open_fen[each] for each in part.bill_ids)
        assert 40 <= one.score <= 99
        if rules.may_go_together(one, []):
            assert all(part.over_fen == 0 for part in one.parts)
    shuffled = [
        Home(one.unit_id, one.label, one.names, tuple(chance.sample(one.bills, len(one.bills))))
        for one in chance.sample(made, len(made))
    ]
    assert rules.propose(line, book(*shuffled)) == found
