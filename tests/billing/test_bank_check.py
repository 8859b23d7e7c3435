"""The daily check: gateway, bank and books; every difference classified, listed, explained."""

from __future__ import annotations

import os
from collections import Counter as Count
from datetime import date, timedelta

import pytest
from sqlalchemy import text

from app.billing.bank import service
from app.billing.bank.queries import checks
from app.billing.counter import service as till
from app.kernel import audit, clock
from app.kernel.audit import Actor
from app.kernel.db import db
from app.kernel.errors import Conflict
from app.payments.bank import checking as rules
from app.payments.bank.checking import Expected, classify
from app.payments.bank.models import CheckDifference
from tests.billing.bank import account, bring_in, lines, one, proposed, sheet
from tests.billing.bills import Counter
from tests.builders import Town

DAY = date(2026, 3, 31)
CHARGES = int(os.environ.get("LINLI_CHECK_CHARGES", "1000"))


@pytest.fixture(autouse=True)
def wu_acts():
    with audit.acting(Actor(account_id=902, name="吴国平", via="web")), clock.moved_to(DAY):
        yield


@pytest.mark.parametrize(
    ("age", "amount", "seen", "disputed", "kind", "left"),
    [
        (0, 100, 0, 0, None, 0),
        (3, 100, 0, 0, None, 0),
        (4, 100, 0, 0, "late", 100),
        (10, 100, 0, 0, "late", 100),
        (11, 100, 0, 0, "missing", 100),
        (11, 100, 100, 0, None, 0),
        (0, 100, 60, 0, "partial", 40),
        (0, 100, 160, 0, "doubled", -60),
        (0, 100, 100, 30, "disputed", 30),
        (11, -50, 0, 0, "missing", -50),
        (11, -50, -20, 0, "partial", -30),
    ],
)
def test_an_expectation_is_classified(age, amount, seen, disputed, kind, left):
    found = classify(Expected("x", DAY - timedelta(days=age), amount, seen, disputed), DAY)
    assert (found and found.kind, found.amount_fen if found else 0) == (kind, left)


def charges(town: Town, count: int) -> dict[str, set[str]]:
    """So many online payments and their payouts; of each hundred one missing, late, part, disputed.

    Of number n: n % 100 = 1 missing (20 days old), 2 late (5 days), 3 paid out short by 1.00,
    4 disputed. All others were paid out in full the day after.
    """
    here = {"c": town.community_id, "n": count, "day": DAY}
    db.session.execute(
        text(
            "INSERT INTO settlement_account (community_id, book, gateway_account, holder)"
            " VALUES (:c, 'service', 'acct_' || :c, '示范物业')"
        ),
        here,
    )
    db.session.execute(
        text(
            "INSERT INTO payment (community_id, book, channel, means, amount_fen, status, key,"
            " received_on, settled_at, disputed_fen, payer_name)"
            " SELECT :c, 'service', 'stripe', 'card', 10000 + n, 'settled', 'charge:' || n,"
            "  CAST(:day AS date) - CASE n % 100 WHEN 2 THEN 5 ELSE 20 END, now(),"
            "  CASE n % 100 WHEN 4 THEN 10000 ELSE 0 END, ''"
            " FROM generate_series(1, CAST(:n AS int)) n"
        ),
        here,
    )
    db.session.execute(
        text(
            "INSERT INTO payout (community_id, settlement_account_id, gateway_payout_id,"
            " amount_fen, fee_fen, arrives_on, status) SELECT :c, s.id, 'po_' || :c || '_' || x.n,"
            " x.n * 1000000, 0, CAST(:day AS date) - 19, 'paid' FROM settlement_account s,"
            " generate_series(1, 10) AS x (n) WHERE s.community_id = :c"
        ),
        here,
    )
    db.session.execute(
        text(
            "INSERT INTO payout_line (community_id, payout_id, no, gateway_transaction_id, kind,"
            " amount_fen, fee_fen, payment_id)"
            " SELECT :c, (SELECT min(id) FROM payout WHERE community_id = :c), p.id,"
            "  'txn_' || :c || '_' || p.id, 'payment',"
            "  p.amount_fen - CASE (p.amount_fen - 10000) % 100 WHEN 3 THEN 100 ELSE 0 END, 0, p.id"
            " FROM payment p WHERE p.community_id = :c AND (p.amount_fen - 10000) % 100"
            "  NOT IN (1, 2)"
        ),
        here,
    )
    ids = dict(
        db.session.execute(
            text("SELECT id, (amount_fen - 10000) % 100 FROM payment WHERE community_id = :c"), here
        ).all()
    )
    kinds = {1: "missing", 2: "late", 3: "partial", 4: "disputed"}
    return {
        kind: {f"payment:{id}" for id, rest in ids.items() if rest == number}
        for number, kind in kinds.items()
    }


def test_ten_thousand_charges_are_classified_in_one_cycle(town):
    """Bar 13; 1,000 here, LINLI_CHECK_CHARGES=10000 for the whole."""
    wanted = charges(town, CHARGES)
    assert all(len(found) == CHARGES // 100 for found in wanted.values())
    service.check_day(town.community_id, DAY)
    found = db.session.execute(
        text(
            "SELECT kind, subject FROM check_difference WHERE community_id = :c AND gone_at IS NULL"
        ),
        {"c": town.community_id},
    ).all()
    got = {kind: {s for k, s in found if k == kind} for kind in wanted}
    assert got == wanted
    assert len(found) == 4 * CHARGES // 100
    sums = Count(dict.fromkeys(wanted, 0))
    for row in db.session.query(CheckDifference).filter_by(community_id=town.community_id):
        sums[row.kind] += row.amount_fen
    assert sums["partial"] == 100 * CHARGES // 100
    assert sums["disputed"] == 10000 * CHARGES // 100


def test_a_second_cycle_changes_nothing_and_what_arrives_is_gone(town):
    wanted = charges(town, 100)
    service.check_day(town.community_id, DAY)
    first = [(r.id, r.subject, r.found_at) for r in db.session.query(CheckDifference).order_by(CheckDifference.id).filter_by(community_id=town.community_id)]  # fmt: skip  # noqa: E501
    service.check_day(town.community_id, DAY)
    assert first == [(r.id, r.subject, r.found_at) for r in db.session.query(CheckDifference).order_by(CheckDifference.id).filter_by(community_id=town.community_id)]  # fmt: skip  # noqa: E501
    late = next(iter(wanted["late"]))
    db.session.execute(
        text(
            "INSERT INTO payout_line (community_id, payout_id, no, gateway_transaction_id, kind,"
            " amount_fen, fee_fen, payment_id) SELECT :c, (SELECT min(id) FROM payout"
            " WHERE community_id = :c), 999999, 'late_' || :c, 'payment', amount_fen, 0, id"
            " FROM payment WHERE community_id = :c AND id = :id"
        ),
        {"c": town.community_id, "id": int(late.split(":")[1])},
    )
    service.check_day(town.community_id, DAY)
    gone = one(
        town,
        "SELECT gone_at IS NOT NULL FROM check_difference WHERE community_id = :c AND subject = :s",
        s=late,
    )
    assert gone


def test_an_explanation_holds_until_the_difference_changes(town):
    charges(town, 100)
    service.check_day(town.community_id, DAY)
    late = db.session.query(CheckDifference).filter_by(
        community_id=town.community_id, kind="late"
    ).one()  # fmt: skip
    service.explain_difference(town.community_id, late.id, "平台节假日顺延")
    with pytest.raises(Conflict):
        service.explain_difference(town.community_id, late.id, "again")
    service.check_day(town.community_id, DAY)
    db.session.refresh(late)
    assert (late.kind, late.reason) == ("late", "平台节假日顺延")
    service.check_day(town.community_id, DAY + timedelta(days=10))
    db.session.refresh(late)
    assert (late.kind, late.reason, late.explained_at) == ("missing", "", None)


def test_bank_lines_and_books_are_compared_as_far_as_statements_reach(town):
    """A transfer of the 10th nobody sees, a line of the 25th nobody laid; statements to the 25th.

    The cash banked on the 24th is young on the 25th and says nothing yet.
    """
    counter = Counter(town)
    home = town.add_unit("3-501")
    counter.issue(home, "2026-03")
    with clock.moved_to(date(2026, 3, 10)):
        till.open_shift(town.community_id)
        taken = till.take_payment(
            town.community_id, home.id, 10000, means="transfer", reference="HD998877", key="f1"
        )
    with clock.moved_to(date(2026, 3, 24)):
        till.take_payment(town.community_id, home.id, 500, means="cash", key="f2")
        till.bank_cash(town.community_id, 500, slip="CK20260324", key="b1")
    assert service.check_day(town.community_id, DAY) == []
    (line,) = proposed(town, ("2026-03-25", "77.00", "某人", "x"))
    (day,) = service.check_day(town.community_id, DAY)
    assert day.found_count == 2
    found = checks.differences(town.community_id, "service", DAY)
    assert [(one.subject, one.kind, one.amount_fen) for one in found] == [
        (f"payment:{taken.payment_id}", "missing", 10000),
        (f"line:{line.id}", "unmatched", 7700),
    ]
    service.explain_difference(
        town.community_id,
        db.session.query(CheckDifference).filter_by(
            community_id=town.community_id, subject=f"line:{line.id}").one().id,
        "误转，已退",
    )  # fmt: skip
    assert lines(town)[0].status == "explained"
    bring_in(
        town,
        db.session.get_one(type(account(town, name="建行")), (town.community_id, line.account_id)),
        sheet(("2026-03-30", "100.00", "张三", "HD998877"), start=7),
    )
    service.propose_all(town.community_id)
    second = lines(town)[1]
    service.confirm_best(town.community_id, second.id)
    (day,) = service.check_day(town.community_id, DAY)
    found = checks.differences(town.community_id, "service", DAY)
    assert [(one.kind, one.amount_fen) for one in found] == [("unbacked", 500)]


def test_the_days_figures_of_three_sides(town):
    home = town.add_unit("3-501")
    Counter(town).issue(home, "2026-03")
    (line,) = proposed(town, ("2026-03-20", "100.00", "张三", "3-501"))
    service.confirm_homes(town.community_id, line.id, [service.HomePart(home.id, 10000)])
    (day,) = service.check_day(town.community_id, date(2026, 3, 20))
    assert day.figures == {
        "gateway_in": 0,
        "gateway_out": 0,
        "bank_in": 10000,
        "bank_out": 0,
        "book_bank": 10000,
        "book_transit": 0,
        "book_cash": 0,
    }
    assert set(day.figures) == set(rules.FIGURE_WORDS)
    assert day.found_count == 0
