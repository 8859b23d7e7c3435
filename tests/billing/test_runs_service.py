"""A month is previewed, confirmed by a second person, issued once, added to, taken back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from app.billing.models import BillRun
from app.billing.postings import issued
from app.billing.runs.facts import Facts, Held, OneOff, SharedCost, Tariff, Unit, Version
from app.billing.service import (
    confirm_run,
    discard_preview,
    issue_bills,
    preview_lines,
    preview_run,
    withdraw_run,
)
from app.billing.subsidy.rules import Scheme, Step
from app.kernel import audit, clock
from app.kernel.db import db, transaction
from app.kernel.errors import Conflict, Forbidden, NotFound, RuleBroken
from app.kernel.period import DateRange, Month
from app.kernel.tenancy import scoped
from app.ledger import service as ledger
from tests.billing.rows import bring
from tests.builders import Town, found_town

JUNE, JULY = Month(2025, 6), Month(2025, 7)
ALWAYS = DateRange(date(2020, 1, 1))
ANNA, BEN = 101, 102


@pytest.fixture(autouse=True)
def in_june() -> Iterator[None]:
    with clock.moved_to(date(2025, 6, 20)):
        yield


def by(account_id: int) -> Any:
    return audit.acting(audit.Actor(account_id=account_id, name="a"))


def home(number: int, area: str = "80.00", **more: Any) -> Unit:
    return Unit(number, f"1-{number}01", 1, Decimal(area), **more)


def fee(number: int = 1, yuan: str = "1.35", basis: str = "area", **more: Any) -> Tariff:
    version = Version(number * 10, more.pop("days", ALWAYS), Decimal(yuan))
    return Tariff(number, basis, (version,), **more)


def scheme(yuan: str = "0.50") -> Scheme:
    days = DateRange(date(2024, 1, 1), date(2027, 1, 1))
    return Scheme(1, days, (Step(days.start, Decimal(yuan)),))


@pytest.fixture
def estate(town: Town) -> Town:
    """Three homes at 1.35 with 0.50 from the street: gross 108.00, 135.00, 119.99."""
    bring(
        Facts(
            units=(home(1), home(2, "100.00"), home(3, "88.88")),
            tariffs=(fee(subsidised=True),),
            held=tuple(Held(n, n, ALWAYS) for n in (1, 2, 3)),
            schemes=(scheme(),),
        ),
        town.community_id,
        town.region_id,
    )
    db.session.commit()
    return town


def rows(sql: str, **values: Any) -> list[Any]:
    return [tuple(row) for row in db.session.execute(text(sql), values)]


def count(town: Town, table: str) -> int:
    return int(
        rows(f"SELECT count(*) FROM {table} WHERE community_id = :c", c=town.community_id)[0][0]
    )


def postings(town: Town, entry_id: int | None) -> list[Any]:
    return rows(
        "SELECT account_code, unit_id, amount_fen FROM posting"
        " WHERE community_id = :c AND entry_id = :e ORDER BY no",
        c=town.community_id,
        e=entry_id,
    )


def test_a_month_is_one_entry(estate: Town) -> None:
    """
    1122 应收业主费用   unit 1     68.00
    1122 应收业主费用   unit 2     85.00
    1122 应收业主费用   unit 3     75.55
    1221 应收政府补贴             134.44
         6001 物业费收入                   362.99
    """
    run = issue_bills(estate.community_id, JUNE, prepared_by=ANNA, confirmed_by=BEN)
    db.session.commit()
    assert postings(estate, run.entry_id) == [
        ("1122", 1, 6800),
        ("1122", 2, 8500),
        ("1122", 3, 7555),
        ("1221", None, 13444),
        ("6001", None, -36299),
    ]
    assert postings(estate, run.entry_id) == issued(
        {1: 6800, 2: 8500, 3: 7555}, 13444, {"6001": 36299}
    )
    assert (run.status, run.bill_count, run.unit_count) == ("issued", 3, 3)
    assert (run.gross_fen, run.subsidy_fen, run.resident_fen) == (36299, 13444, 22855)
    bills = rows(
        "SELECT unit_id, party, payer_id, gross_fen, subsidy_fen, resident_fen, open_fen, due_on,"
        " starts_on, ends_on FROM bill WHERE community_id = :c ORDER BY id",
        c=estate.community_id,
    )
    whole = (date(2025, 6, 28), date(2025, 6, 1), date(2025, 7, 1))
    assert bills == [
        (1, 0, 1, 10800, 4000, 6800, 6800, *whole),
        (2, 0, 2, 13500, 5000, 8500, 8500, *whole),
        (3, 0, 3, 11999, 4444, 7555, 7555, *whole),
    ]


def test_a_repeat_writes_nothing(estate: Town) -> None:
    first = issue_bills(estate.community_id, JUNE, prepared_by=ANNA, confirmed_by=BEN)
    db.session.commit()
    before = {t: count(estate, t) for t in ("bill", "bill_line", "bill_run", "entry", "posting")}
    news = count(estate, "outbox_event")
    again = issue_bills(estate.community_id, JUNE, prepared_by=ANNA, confirmed_by=BEN)
    db.session.commit()
    assert again.id == first.id
    assert before == {t: count(estate, t) for t in before}
    assert news == count(estate, "outbox_event") == 1


def test_a_repeat_adds_only_the_home_that_was_missing(estate: Town) -> None:
    first = issue_bills(estate.community_id, JUNE, prepared_by=ANNA, confirmed_by=BEN)
    db.session.commit()
    estate.buildings["1"] = 1
    late = estate.add_unit("1-901", "50.00", id=900)
    again = issue_bills(estate.community_id, JUNE, prepared_by=ANNA, confirmed_by=BEN)
    db.session.commit()
    assert again.id != first.id
    assert postings(estate, again.entry_id) == [
        ("1122", late.id, 4250),
        ("1221", None, 2500),
        ("6001", None, -6750),
    ]
    assert count(estate, "bill") == 4


def test_a_price_written_after_the_bills_is_never_billed_on_top(estate: Town) -> None:
    c = estate.community_id
    issue_bills(c, JUNE, prepared_by=ANNA, confirmed_by=BEN)
    db.session.execute(
        text("UPDATE tariff_version SET ends_on = '2025-06-16' WHERE community_id = :c"), {"c": c}
    )
    db.session.execute(
        text(
            "INSERT INTO tariff_version (community_id, id, tariff_id, starts_on, price,"
            " price_basis) VALUES (:c, 900, 1, '2025-06-16', 9, 'market')"
        ),
        {"c": c},
    )
    issue_bills(c, JUNE, prepared_by=ANNA, confirmed_by=BEN)
    assert count(estate, "bill_line") == 3


def test_an_owner_recorded_late_does_not_bill_the_month_again(estate: Town) -> None:
    c = estate.community_id
    issue_bills(c, JUNE, prepared_by=ANNA, confirmed_by=BEN)
    db.session.execute(
        text("UPDATE ownership SET ends_on='2025-06-11' WHERE community_id=:c AND unit_id=3"),
        {"c": c},
    )
    issue_bills(c, JUNE, prepared_by=ANNA, confirmed_by=BEN)
    assert count(estate, "bill_line") == 3


def test_a_common_cost_once_divided_stays_divided(town: Town) -> None:
    c = town.community_id
    cost = SharedCost(7, 2, JUNE, 1000, "unit")
    bring(
        Facts(
            units=(home(1), home(2), home(3)), tariffs=(Tariff(2, "shared"),), shared_costs=(cost,)
        ),
        c,
        town.region_id,
    )
    issue_bills(c, JUNE, prepared_by=None, confirmed_by=None)
    assert rows("SELECT gross_fen FROM bill WHERE community_id=:c ORDER BY id", c=c) == [
        (334,),
        (333,),
        (333,),
    ]
    town.buildings["1"] = 1
    town.add_unit("1-901", "50.00", id=900)
    issue_bills(c, JUNE, prepared_by=None, confirmed_by=None)
    assert rows("SELECT sum(gross_fen) FROM bill WHERE community_id=:c", c=c) == [(1000,)]


def test_a_one_off_charge_written_later_comes_alone(town: Town) -> None:
    c = town.community_id
    facts = Facts(
        units=(home(1),),
        tariffs=(fee(), Tariff(2, "one_off")),
        one_offs=(OneOff(1, 1, 2, JUNE, 3000),),
    )
    bring(facts, c, town.region_id)
    issue_bills(c, JUNE, prepared_by=None, confirmed_by=None)
    db.session.execute(
        text(
            "INSERT INTO one_off_charge (community_id, id, tariff_id, unit_id, month, amount_fen,"
            " description) VALUES (:c, 900, 2, 1, '2025-06-01', 1500, '门禁卡')"
        ),
        {"c": c},
    )
    run = issue_bills(c, JUNE, prepared_by=None, confirmed_by=None)
    assert (run.bill_count, run.gross_fen) == (1, 1500)
    assert rows("SELECT count(*), sum(gross_fen) FROM bill WHERE community_id=:c", c=c) == [
        (2, 15300)
    ]


def test_a_preview_writes_only_its_own_row(estate: Town) -> None:
    with by(ANNA):
        run = preview_run(estate.community_id, JUNE, due_on=date(2025, 7, 15))
    db.session.commit()
    assert (run.status, run.gross_fen, run.prepared_by) == ("preview", 36299, ANNA)
    assert [count(estate, t) for t in ("bill", "bill_line", "entry")] == [0, 0, 0]
    lines, total = preview_lines(estate.community_id, run.id, offset=1, limit=1)
    assert total == 3
    assert [(line.label, line.resident_fen) for line in lines] == [("1-201", 8500)]


def test_a_new_preview_takes_the_place_of_the_old(estate: Town) -> None:
    with by(ANNA):
        old, new = (preview_run(estate.community_id, JUNE) for _ in range(2))
    db.session.refresh(old)
    assert (old.status, new.status) == ("discarded", "preview")
    assert old.input_hash == new.input_hash


def test_what_was_looked_at_is_issued_by_a_second_person(estate: Town) -> None:
    with by(ANNA):
        run = preview_run(estate.community_id, JUNE, due_on=date(2025, 7, 15))
        with pytest.raises(Forbidden):
            confirm_run(estate.community_id, run.id)
    with by(BEN):
        done = confirm_run(estate.community_id, run.id)
    db.session.commit()
    assert (done.status, done.prepared_by, done.confirmed_by) == ("issued", ANNA, BEN)
    assert rows(
        "SELECT DISTINCT due_on FROM bill WHERE community_id=:c", c=estate.community_id
    ) == [(date(2025, 7, 15),)]
    with by(BEN), pytest.raises(Conflict):
        confirm_run(estate.community_id, run.id)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE unit SET area_m2 = area_m2 + 0.01 WHERE community_id = :c AND id = 1",
        "UPDATE tariff_version SET price = 1.36 WHERE community_id = :c",
        "UPDATE subsidy_step SET rate = 0.51 WHERE community_id = :c",
        "UPDATE ownership SET ends_on = '2025-06-11' WHERE community_id = :c AND unit_id = 1",
    ],
)
def test_nothing_is_issued_when_the_data_changed_after_the_preview(
    estate: Town, change: str
) -> None:
    with by(ANNA):
        run = preview_run(estate.community_id, JUNE)
    db.session.execute(text(change), {"c": estate.community_id})
    with by(BEN), pytest.raises(Conflict) as refusal:
        confirm_run(estate.community_id, run.id)
    assert refusal.value.code == "run.changed"


def test_nobody_confirms_what_they_prepared(estate: Town) -> None:
    with pytest.raises(Forbidden):
        issue_bills(estate.community_id, JUNE, prepared_by=ANNA, confirmed_by=ANNA)


def test_a_discarded_preview_is_issued_by_nobody(estate: Town) -> None:
    with by(ANNA):
        run = discard_preview(estate.community_id, preview_run(estate.community_id, JUNE).id)
    with by(BEN), pytest.raises(Conflict):
        confirm_run(estate.community_id, run.id)
    with pytest.raises(NotFound):
        confirm_run(estate.community_id, run.id + 99)


def test_a_withdrawn_month_leaves_the_books_even_and_can_be_issued_anew(estate: Town) -> None:
    c = estate.community_id
    run = issue_bills(c, JUNE, prepared_by=ANNA, confirmed_by=BEN)
    db.session.commit()
    with by(BEN):
        withdraw_run(c, run.id, "单价有误")
    db.session.commit()
    assert (run.status, run.withdrawn_by) == ("withdrawn", BEN)
    assert rows("SELECT DISTINCT withdrawn, open_fen FROM bill WHERE community_id=:c", c=c) == [
        (True, 0)
    ]
    assert rows("SELECT DISTINCT live FROM bill_line WHERE community_id=:c", c=c) == [(False,)]
    balances = "SELECT account_code, unit_id, sum(amount_fen) FROM posting WHERE community_id=:c"
    assert {row[2] for row in rows(f"{balances} GROUP BY 1, 2", c=c)} == {0}
    with pytest.raises(Conflict):
        withdraw_run(c, run.id, "再撤一次")
    again = issue_bills(c, JUNE, prepared_by=ANNA, confirmed_by=BEN)
    db.session.commit()
    assert (again.gross_fen, again.bill_count) == (36299, 3)


def test_a_run_with_money_received_is_not_withdrawn(estate: Town) -> None:
    c = estate.community_id
    run = issue_bills(c, JUNE, prepared_by=ANNA, confirmed_by=BEN)
    with pytest.raises(RuleBroken):
        withdraw_run(c, run.id, "  ")
    db.session.execute(
        text("UPDATE bill SET paid_fen = 1 WHERE community_id=:c AND unit_id=1"), {"c": c}
    )
    with pytest.raises(Conflict) as refusal:
        withdraw_run(c, run.id, "单价有误")
    assert refusal.value.code == "run.paid"


@pytest.mark.parametrize(
    ("mode", "accounts"),
    [
        ("fixed", [("2202", -800), ("6001", -10800), ("6051", -1000)]),
        ("commission", [("2202", -800), ("2241", -11800)]),
    ],
)
def test_under_commission_income_is_held_for_the_owners(
    house: Flask, mode: str, accounts: list[Any]
) -> None:
    """What is passed on to the waterworks (2202) is nobody's income either way."""
    town = found_town(fee_mode=mode)
    with scoped([town.community_id]):
        tariffs = (fee(1), fee(3, "10", "unit"), fee(4, "8", "unit"))  # 6001, 6051, 2202
        bring(Facts(units=(home(1),), tariffs=tariffs), town.community_id, town.region_id)
        run = issue_bills(town.community_id, JUNE, prepared_by=None, confirmed_by=None)
        found = [(code, fen) for code, _, fen in postings(town, run.entry_id) if fen < 0]
    assert found == accounts


def test_a_closed_month_takes_no_more_bills(estate: Town) -> None:
    ledger.open_books(estate.community_id)
    db.session.execute(
        text(
            "UPDATE book SET closed_through='2025-05-01' WHERE community_id=:c AND code='service'"
        ),
        {"c": estate.community_id},
    )
    with pytest.raises(RuleBroken) as refusal:
        issue_bills(estate.community_id, Month(2025, 5), prepared_by=None, confirmed_by=None)
    assert refusal.value.code == "run.closed"
    assert (
        issue_bills(estate.community_id, JUNE, prepared_by=None, confirmed_by=None).bill_count == 3
    )


def test_a_month_is_billed_at_most_one_month_ahead(estate: Town) -> None:
    with pytest.raises(RuleBroken) as refusal:
        preview_run(estate.community_id, Month(2025, 8))
    assert refusal.value.code == "run.too_early"
    assert preview_run(estate.community_id, JULY).bill_count == 3


def test_a_month_with_nothing_to_bill_says_so(town: Town) -> None:
    with pytest.raises(RuleBroken) as refusal:
        issue_bills(town.community_id, JUNE, prepared_by=None, confirmed_by=None)
    assert refusal.value.code == "run.empty"
    assert preview_run(town.community_id, JUNE).bill_count == 0


def test_who_is_left_out_is_told_with_the_reason(town: Town) -> None:
    facts = Facts(
        units=(
            home(1),
            home(2, status="demolished"),
            home(3, billable_until=date(2025, 6, 1)),
            home(4, billable_from=date(2025, 7, 1)),
            home(5, "0.00"),
            home(6, kind="parking"),
        ),
        tariffs=(fee(unit_kinds=("residential",)),),
    )
    bring(facts, town.community_id, town.region_id)
    run = preview_run(town.community_id, JUNE)
    assert {row["unit_id"]: row["reason"] for row in run.summary["left_out"]} == {
        2: "demolished",
        3: "ended",
        4: "not_yet",
        5: "no_area",
        6: "no_tariff",
    }
    assert sum(run.summary["left_out_counts"].values()) == 5


def test_changes_against_last_month_are_told_by_tariff_and_by_unit(estate: Town) -> None:
    c = estate.community_id
    with clock.moved_to(date(2025, 5, 20)):
        issue_bills(c, Month(2025, 5), prepared_by=ANNA, confirmed_by=BEN)
    db.session.execute(
        text("UPDATE unit SET area_m2 = 90 WHERE community_id = :c AND id = 2"), {"c": c}
    )
    run = preview_run(c, JUNE)
    assert run.summary["changes"] == [
        {"unit_id": 2, "label": "1-201", "now_fen": 7650, "before_fen": 8500}
    ]
    (tariff,) = run.summary["tariffs"]
    assert (tariff["gross_fen"], tariff["before_fen"], tariff["change_fen"]) == (
        34949,
        36299,
        -1350,
    )


def test_of_two_issues_at_once_one_waits_and_adds_nothing(estate: Town, app: Flask) -> None:
    issued_ids: list[int] = []
    start = threading.Barrier(4)

    def issue() -> None:
        with app.app_context(), scoped([estate.community_id]):
            start.wait()
            with clock.moved_to(date(2025, 6, 20)), transaction():
                run = issue_bills(estate.community_id, JUNE, prepared_by=None, confirmed_by=None)
                issued_ids.append(run.id)
            db.session.remove()

    workers = [threading.Thread(target=issue) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(issued_ids) == 4
    assert len(set(issued_ids)) == 1
    assert [count(estate, t) for t in ("bill", "bill_line", "entry")] == [3, 3, 1]


def test_a_line_billed_behind_the_lock_stops_the_run_and_is_not_swallowed(estate: Town) -> None:
    """The unique index is the last word; what it passes over is counted and refused."""
    from app.billing.runs import compute, plan

    c = estate.community_id
    issue_bills(c, JUNE, prepared_by=None, confirmed_by=None)
    blind = plan.look(c, JUNE)
    object.__setattr__(blind, "billed", False)
    totals = compute.compute(blind)
    run = BillRun(community_id=c, month=JUNE.first, due_on=JUNE.last, prepared_at=clock.now())
    db.session.add(run)
    db.session.flush()
    with pytest.raises(Conflict) as refusal:
        compute.insert(blind, totals, run.id, JUNE.last, JUNE.last)
    assert refusal.value.code == "run.billed_meanwhile"


@pytest.mark.parametrize("zone", ["Etc/GMT+12", "Pacific/Kiritimati", "Asia/Shanghai"])
def test_a_month_is_the_same_in_every_time_zone(estate: Town, zone: str) -> None:
    here = preview_run(estate.community_id, JUNE).input_hash
    db.session.execute(text(f"SET LOCAL TIME ZONE '{zone}'"))
    assert preview_run(estate.community_id, JUNE).input_hash == here


def test_another_community_is_never_billed(estate: Town) -> None:
    other = found_town()
    with scoped([estate.community_id]), pytest.raises(Exception, match="row-level security"):
        issue_bills(other.community_id, JUNE, prepared_by=None, confirmed_by=None)
    db.session.rollback()
