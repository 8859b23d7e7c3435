"""Bills at the door: lists, one bill, corrections, accounts, and what a resident may see."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import pytest
from openpyxl import load_workbook
from sqlalchemy import event, text

from app.billing.bills import service
from app.billing.bills.queries import lists, own
from app.kernel import clock, queue
from app.kernel.db import db
from app.kernel.errors import NotFound
from app.kernel.period import Month
from tests.billing.bills import Charge, Counter
from tests.people import anonymous, client_for

MOST_STATEMENTS = 8


@pytest.fixture
def counter(town):
    return Counter(town)


@contextmanager
def statements() -> Iterator[list[str]]:
    """The SQL sent meanwhile, without the scope's SET."""
    seen: list[str] = []

    def note(_connection, _cursor, statement, *_more):
        if not statement.startswith("SET LOCAL"):
            seen.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def page(client, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status, answer.text[:2000]
    return answer.get_data(as_text=True)


def bind(client, town, unit, person=None, on: date | None = None) -> None:
    """Let a client's account see a unit, for a person or by the code alone."""
    db.session.execute(
        text(
            "INSERT INTO unit_binding (community_id, account_id, unit_id, person_id, created_at)"
            " VALUES (:c, :a, :u, :p, :at)"
        ),
        {
            "c": town.community_id,
            "a": client.account_id,
            "u": unit.id,
            "p": person.id if person else None,
            "at": f"{on or date(2026, 11, 1)} 12:00+08",
        },
    )
    db.session.commit()


@pytest.fixture
def sold(town, counter):
    """A home sold on 11 March: the seller's bills to then, the buyer's since, F04 by day."""
    unit = town.add_unit("3-2-501", "88.88")
    seller = town.add_owner(unit, "李四", ends_on="2026-03-11")
    buyer = town.add_owner(unit, "王五", "2026-03-11")
    made = {
        "february": counter.issue(unit, "2026-02", Charge(12000), payer=seller),
        "march_seller": counter.issue(
            unit, "2026-03", Charge(4000), payer=seller, ends_on="2026-03-11"
        ),
        "march_buyer": counter.issue(
            unit, "2026-03", Charge(8000), payer=buyer, party=1, starts_on="2026-03-11"
        ),
        "april": counter.issue(unit, "2026-04", Charge(12000), payer=buyer),
    }
    return unit, seller, buyer, made


def visible(town, account_id: int, unit) -> set[int]:
    return {
        bill.id for home in own.homes(town.community_id, account_id, unit.id) for bill in home.bills
    }


@pytest.mark.parametrize("by_code", [False, True])
def test_buyer_and_seller_never_see_each_others_bills(app, town, sold, by_code):
    unit, seller, buyer, made = sold
    bought, gone = client_for(app, "nobody", town), client_for(app, "nobody", town)
    bind(bought, town, unit, None if by_code else buyer, date(2026, 5, 1))
    bind(gone, town, unit, None if by_code else seller, date(2026, 1, 1))
    assert visible(town, bought.account_id, unit) == {made["march_buyer"].id, made["april"].id}
    assert visible(town, gone.account_id, unit) == {made["february"].id, made["march_seller"].id}
    c = town.community_id
    assert "¥200.00" in page(bought, f"/c/{c}/my")
    page(bought, f"/c/{c}/my/bills/{made['april'].id}")
    page(bought, f"/c/{c}/my/bills/{made['february'].id}", 404)
    page(bought, f"/c/{c}/my/bills/{made['march_seller'].id}/bill.pdf", 404)
    statement = page(bought, f"/c/{c}/my/units/{unit.id}/statement")
    assert "120.00" in statement
    assert "40.00" not in statement


def test_the_whole_month_to_the_seller_stays_the_sellers(app, town, counter):
    unit = town.add_unit()
    seller = town.add_owner(unit, "李四", ends_on="2026-03-11")
    buyer = town.add_owner(unit, "王五", "2026-03-11")
    bill = counter.issue(unit, "2026-03", payer=seller)
    bought = client_for(app, "nobody", town)
    bind(bought, town, unit, buyer)
    assert visible(town, bought.account_id, unit) == set()
    assert bill.open_fen == 10000


def test_co_owner_and_tenant_see_the_home_they_share(app, town, counter):
    unit = town.add_unit()
    first = town.add_owner(unit, "张三", share=(1, 2))
    second = town.add_owner(unit, "张四", share=(1, 2))
    tenant = _tenant(town, unit, "2026-03-01")
    bills = [counter.issue(unit, month, payer=first) for month in ("2026-02", "2026-03")]
    for person, expected in ((second, set(bills)), (tenant, {bills[1]})):
        client = client_for(app, "nobody", town)
        bind(client, town, unit, person)
        assert visible(town, client.account_id, unit) == {bill.id for bill in expected}


def test_a_home_of_nobody_known_shows_its_bills_to_who_has_the_code(app, town, counter):
    unit = town.add_unit()
    bill = counter.issue(unit, "2026-03")
    client = client_for(app, "resident", town, unit=unit)
    assert visible(town, client.account_id, unit) == {bill.id}


def test_an_ended_binding_opens_nothing(app, town, counter):
    unit = town.add_unit()
    client = client_for(app, "resident", town, unit=unit)
    db.session.execute(
        text("UPDATE unit_binding SET ended_at = now() WHERE account_id = :a"),
        {"a": client.account_id},
    )
    db.session.commit()
    with pytest.raises(NotFound):
        own.homes(town.community_id, client.account_id)
    page(client, f"/c/{town.community_id}/my", 404)


def test_a_resident_sees_what_is_due_why_and_until_when(app, town, counter):
    unit = town.add_unit("3-2-501", "88.88")
    owner = town.add_owner(unit, "张三")
    scheme = counter.scheme(ends_on="2027-03-15")
    counter.issue(
        unit,
        "2026-03",
        Charge(
            11999, 4444, quantity="88.88", scheme_id=scheme, subsidy_rate="0.50", subsidy_days=31
        ),
        payer=owner,
    )
    client = client_for(app, "resident", town, unit=unit)
    with statements() as seen:
        shown = page(client, f"/c/{town.community_id}/my")
    assert len(seen) <= MOST_STATEMENTS, "\n".join(seen)
    for words in (
        "¥75.55",
        "88.88 m² × 1.35 元/m²·月 × 31/31 天 = 119.99 元",
        "2027年3月14日",
        "¥119.99",
    ):
        assert words in shown, words
    english = page(client, f"/c/{town.community_id}/my?lang=en")
    assert "88.88 m² × ¥1.35/m²·month × 31/31 days = ¥119.99" in english
    assert "14 March 2027" in english


def test_credit_of_a_former_owner_is_not_shown_to_the_next(app, town, counter):
    unit = town.add_unit()
    seller = town.add_owner(unit, "李四", ends_on="2026-05-01")
    counter.issue(unit, "2026-03", payer=seller)
    service.settle(
        town.community_id,
        unit.id,
        12000,
        received_on=date(2026, 4, 2),
        means="cash",
        source="counter:1",
    )
    client = client_for(app, "resident", town, unit=unit)
    assert own.homes(town.community_id, client.account_id)[0].credit_fen == 2000
    town.add_owner(unit, "王五", "2026-05-01")
    assert own.homes(town.community_id, client.account_id)[0].credit_fen == 0


def test_the_list_finds_by_room_name_phone_month_and_status(app, town, counter):
    first, second = town.add_unit("1-101"), town.add_unit("2-202")
    owner, other = town.add_owner(first, "欧阳龘"), town.add_owner(second, "李四")
    owner.phone_tail = "6612"
    db.session.commit()
    counter.issue(first, "2026-03", payer=owner)
    paid = counter.issue(second, "2026-04", payer=other)
    service.settle(
        town.community_id,
        second.id,
        10000,
        received_on=date(2026, 4, 2),
        means="cash",
        source="counter:1",
    )
    db.session.commit()
    assert paid.community_id == town.community_id
    manager = client_for(app, "manager", town)
    for query, one, none in (
        ("q=1-1", "1-101", "2-202"),
        ("q=欧阳", "1-101", "2-202"),
        ("q=6612", "1-101", "2-202"),
        ("month=2026-04", "2-202", "1-101"),
        ("status=paid", "2-202", "1-101"),
        ("status=overdue", "1-101", "2-202"),
        (f"building={town.buildings['2']}", "2-202", "1-101"),
    ):
        shown = page(manager, f"/c/{town.community_id}/bills?{query}")
        assert f">{one}" in shown, query
        assert f">{none}" not in shown, query
    with statements() as seen:
        page(manager, f"/c/{town.community_id}/bills")
    assert len(seen) <= MOST_STATEMENTS, "\n".join(seen)


def test_the_list_is_taken_away_as_a_sheet(app, town, counter):
    unit = town.add_unit("1-101")
    counter.issue(unit, "2026-03", Charge(12000, 2000, subsidy_rate="0.50"))
    manager = client_for(app, "manager", town)
    answer = manager.get(f"/c/{town.community_id}/bills?format=xlsx&lang=en")
    rows = list(load_workbook(io.BytesIO(answer.data)).active.values)
    assert rows[0][0] == "Unit"
    assert rows[1][0] == "1-101"
    assert [float(value) for value in rows[1][3:5]] == [120.0, 20.0]


def test_one_bill_takes_few_statements_and_shows_its_history(app, town, counter):
    unit = town.add_unit("1-101")
    bill = counter.issue(unit, "2026-03")
    with clock.moved_to(date(2026, 3, 5)):
        service.correct(town.community_id, bill.id, "credit", 1000, "电梯停用十天")
        db.session.commit()
    supervisor = client_for(app, "supervisor", town)
    path = f"/c/{town.community_id}/bills/{bill.id}"
    with statements() as seen:
        shown = page(supervisor, path)
    assert len(seen) <= MOST_STATEMENTS, "\n".join(seen)
    assert "电梯停用十天" in shown
    assert "/correct" not in shown  # a supervisor reads and does not correct


def test_a_correction_goes_through_the_form_once(app, town, counter):
    bill = counter.issue(town.add_unit(), "2026-03")
    accountant = client_for(app, "accountant", town)
    path = f"/c/{town.community_id}/bills/{bill.id}/correct"
    assert "减还是加" in page(accountant, path)
    form = {
        "kind": "credit",
        "ground": "correction",
        "amount_fen": "１２．５",
        "reason": "多收了",
        "key": "abc",
    }
    for _ in range(2):
        assert accountant.submit(path, form).status_code == 303
    db.session.refresh(bill)
    assert bill.notes_fen == -1250
    refused = accountant.submit(path, {**form, "key": "d", "amount_fen": "999"})
    assert refused.status_code == 422
    assert "87.50" in refused.text
    assert accountant.submit(path, {**form, "key": "e", "reason": ""}).status_code == 422


def test_a_cashier_may_not_correct(app, town, counter):
    bill = counter.issue(town.add_unit(), "2026-03")
    cashier = client_for(app, "cashier", town)
    page(cashier, f"/c/{town.community_id}/bills/{bill.id}/correct", 403)


def test_the_account_is_shown_for_days_and_taken_away(app, town, counter):
    unit = town.add_unit("1-101")
    counter.issue(unit, "2026-02", Charge(12000))
    counter.issue(unit, "2026-03", Charge(8000))
    manager = client_for(app, "manager", town)
    path = f"/c/{town.community_id}/units/{unit.id}/statement"
    shown = page(manager, f"{path}?since=2026-03-01&until=2026-03-31")
    assert "¥120.00" in shown
    assert "¥200.00" in shown
    page(manager, f"{path}?since=nonsense")
    book = load_workbook(io.BytesIO(manager.get(f"{path}?format=xlsx").data))
    assert [float(row[4]) for row in list(book.active.values)[1:]] == [120.0, 200.0]


def test_a_month_is_printed_as_a_task_and_fetched(app, town, counter):
    counter.issue(town.add_unit("1-101"), "2026-03")
    cashier = client_for(app, "cashier", town)
    c = town.community_id
    ordered = cashier.submit(
        f"/c/{c}/bills/print",
        {"month": "2026-03", "building_id": "", "paper": "a5", "files": "building"},
    )
    assert ordered.status_code == 303
    place = ordered.headers["Location"]
    task_id = int(place.rsplit("/", 1)[1])
    assert "排队" in page(cashier, place)
    queue.run(c, task_id)
    assert "印好 1 张账单" in page(cashier, place)
    fetched = cashier.get(f"{place}/file")
    assert fetched.status_code == 200
    assert fetched.data[:2] == b"PK"
    assert "no-store" in fetched.headers["Cache-Control"]
    page(cashier, f"/c/{c}/bills/print/{task_id + 1000}", 404)


def test_collection_is_by_due_month(app, town, counter):
    """March: 100.00 billed, 40.00 in; April: 100.00 billed, nothing in."""
    unit = town.add_unit()
    counter.issue(unit, "2026-03")
    counter.issue(unit, "2026-04")
    service.settle(
        town.community_id,
        unit.id,
        4000,
        received_on=date(2026, 6, 2),
        means="cash",
        source="counter:1",
    )
    db.session.commit()
    found = lists.collection(town.community_id, Month(2026, 1), Month(2026, 12))
    sums = [(str(one.month), one.billed_fen, one.collected_fen, str(one.rate)) for one in found]
    assert sums == [("2026-03", 10000, 4000, "0.4"), ("2026-04", 10000, 0, "0")]
    assert "40.0%" in page(client_for(app, "manager", town), f"/c/{town.community_id}/collection")


def test_one_bill_is_printed_on_the_fly(app, town, counter):
    bill = counter.issue(town.add_unit(), "2026-03")
    manager = client_for(app, "manager", town)
    answer = manager.get(f"/c/{town.community_id}/bills/{bill.id}/bill.pdf")
    assert answer.data.startswith(b"%PDF")
    assert "no-store" in answer.headers["Cache-Control"]


def test_arrears_show_homes_to_the_manager_and_neither_home_nor_name_to_the_street(
    app, town, counter
):
    unit = town.add_unit("1-101")
    counter.issue(unit, "2026-03", payer=town.add_owner(unit, "欧阳龘"))
    for role, homes in (("manager", True), ("street_officer", False)):
        shown = page(client_for(app, role, town), f"/c/{town.community_id}/arrears")
        assert ("1-101" in shown) is homes
        assert "欧阳龘" not in shown
    manager = client_for(app, "manager", town)
    assert "1-101" in page(manager, f"/c/{town.community_id}/units/{unit.id}/arrears")
    sheet = manager.get(f"/c/{town.community_id}/arrears?format=xlsx")
    assert load_workbook(io.BytesIO(sheet.data)).active["B2"].value == "1-101"
    street = client_for(app, "street_officer", town)
    page(street, f"/c/{town.community_id}/units/{unit.id}/arrears", 403)


def test_a_reminder_is_a_pdf_and_damages_ask_first(app, town, counter):
    counter.late_terms()
    unit = town.add_unit()
    bill = counter.issue(unit, "2026-03", Charge(100_000))
    manager = client_for(app, "manager", town)
    c = town.community_id
    letter = manager.submit(f"/c/{c}/units/{unit.id}/reminder")
    assert letter.data.startswith(b"%PDF")
    assert "加进这张账单" in page(manager, f"/c/{c}/bills/{bill.id}/damages")
    assert manager.submit(f"/c/{c}/bills/{bill.id}/damages").status_code == 303
    db.session.refresh(bill)
    assert bill.notes_fen > 0
    assert "LPR" in page(manager, f"/c/{c}/units/{unit.id}/arrears?lpr=3.0")


def test_company_and_region_see_their_communities(app, town, counter):
    counter.issue(town.add_unit(), "2026-03", Charge(12345))
    manager = client_for(app, "manager", town)
    assert "¥123.45" in page(manager, f"/o/{town.organization_id}/arrears")
    street = client_for(app, "street_officer", town)
    assert "¥123.45" in page(street, f"/regions/{town.region_id}/arrears")


def test_nobody_sees_bills_without_signing_in(app, town, counter):
    bill = counter.issue(town.add_unit(), "2026-03")
    for path in ("bills", f"bills/{bill.id}", "arrears", "my", f"my/bills/{bill.id}"):
        assert anonymous(app).get(f"/c/{town.community_id}/{path}").status_code in (302, 303, 401)


def _tenant(town, unit, starts_on: str):
    from app.registry.models import Occupant, Person

    person = Person(community_id=town.community_id, name="租客")
    db.session.add(person)
    db.session.flush()
    db.session.add(
        Occupant(
            community_id=town.community_id,
            unit_id=unit.id,
            person_id=person.id,
            kind="tenant",
            starts_on=date.fromisoformat(starts_on),
        )
    )
    db.session.commit()
    return person
