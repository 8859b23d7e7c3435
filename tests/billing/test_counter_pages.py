"""The counter and its papers at the door."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import text

from app.kernel.db import db
from app.payments.receipts import rules
from app.registry.rules import sort_key
from tests.billing.bills import Charge, Counter
from tests.billing.test_bills_service import findings
from tests.people import anonymous, client_for


@pytest.fixture
def counter(town):
    return Counter(town)


@pytest.fixture
def home(town, counter):
    unit = town.add_unit("3-2-501")
    owner = town.add_owner(unit, "李桂兰")
    db.session.execute(
        text("UPDATE unit SET sort_key = :key, room = '501' WHERE id = :id"),
        {"key": sort_key("3-2-501"), "id": unit.id},
    )
    counter.issue(unit, "2026-02", payer=owner)
    counter.issue(unit, "2026-03", Charge(15000, 5200), payer=owner)
    return unit


def key_of(page) -> str:
    return re.search(r'name="key" value="([0-9a-f]+)"', page.text)[1]


def value(town, sql: str, **values):
    db.session.rollback()
    return db.session.execute(text(sql), {"c": town.community_id, **values}).scalar_one()


def take(cashier, town, unit, **fields):
    address = f"/c/{town.community_id}/counter/units/{unit.id}"
    page = cashier.get(address)
    bills = re.findall(r'name="bill" value="(\d+)"', page.text)
    form = {"amount_fen": "198.00", "means": "cash", "key": key_of(page), "bill": bills, **fields}
    return form, cashier.submit(address, form)


@pytest.fixture
def cashier(app, town):
    client = client_for(app, "cashier", town)
    opened = client.submit(f"/c/{town.community_id}/shifts/open", {"float_fen": "200"})
    assert opened.status_code == 303
    return client


def test_the_cashier_takes_cash_and_prints_the_receipt(app, town, home, cashier):
    """100.00 + 98.00 due; 200.00 on the table; 2.00 back."""
    base = f"/c/{town.community_id}"
    found = cashier.get(f"{base}/counter?q=3-2-501")
    assert found.status_code == 303
    form, done = take(cashier, town, home, tendered_fen="200")
    assert done.status_code == 303
    page = cashier.get(done.location)
    assert "¥198.00" in page.text
    assert "¥2.00" in page.text
    again = cashier.submit(f"{base}/counter/units/{home.id}", form)
    assert again.location == done.location
    receipt_id = value(town, "SELECT id FROM receipt WHERE community_id = :c")
    paper = cashier.get(f"{base}/receipts/{receipt_id}/receipt.pdf")
    assert paper.data.startswith(b"%PDF")
    shown = cashier.get(f"{base}/receipts/{receipt_id}")
    assert "李桂兰" in shown.text
    assert "¥52.00" in shown.text  # the street's part is told, outside the sum
    assert findings(town) == []


def test_what_is_wrong_stands_beside_its_field(town, home, cashier):
    for fields in (
        {"amount_fen": "0"},
        {"amount_fen": "zehn"},
        {"means": "pos"},
        {"tendered_fen": "197.99"},
        {"means": "shells"},
        {"bill": ["999999999"]},
    ):
        _, answer = take(cashier, town, home, **fields)
        assert answer.status_code in {404, 422}, fields
    assert value(town, "SELECT count(*) FROM payment WHERE community_id = :c") == 0


@pytest.mark.parametrize("word", ["3-2-501", "李桂兰", "501"])
def test_a_home_is_found_by_what_people_say(town, home, cashier, word):
    answer = cashier.get(f"/c/{town.community_id}/counter", query_string={"q": word})
    assert answer.location.endswith(f"/counter/units/{home.id}")


def test_a_home_is_found_by_the_code_of_its_bill(town, home, cashier):
    from app.identity.rules import normal_code, printed_code

    db.session.execute(
        text("UPDATE unit SET binding_code = 'AB3D9K2M' WHERE community_id = :c AND id = :id"),
        {"c": town.community_id, "id": home.id},
    )
    db.session.commit()
    assert normal_code("ab3d-9k2m") == "AB3D9K2M"
    typed = printed_code(town.community_id, "AB3D9K2M")
    for word in (typed, f"http://127.0.0.1:8000/b/{town.community_id}/AB3D9K2M"):
        answer = cashier.get(f"/c/{town.community_id}/counter", query_string={"q": word})
        assert answer.status_code == 303
        assert answer.location.endswith(f"/counter/units/{home.id}")


def test_a_shift_is_closed_by_count_and_accepted_by_the_accountant(app, town, home, cashier):
    base = f"/c/{town.community_id}"
    take(cashier, town, home)
    shift_id = value(town, "SELECT id FROM shift WHERE community_id = :c")
    short = cashier.submit(f"{base}/shifts/{shift_id}/close", {"counted_fen": "397"})
    assert short.status_code == 422
    assert "-1.00" in short.text
    blank = cashier.submit(f"{base}/shifts/{shift_id}/close", {"reason": "没数"})
    assert blank.status_code == 422
    banked = cashier.submit(
        f"{base}/counter/bank", {"amount_fen": "100", "slip": "0077", "key": "a1b2c3d4"}
    )
    assert banked.status_code == 303
    closed = cashier.submit(f"{base}/shifts/{shift_id}/close", {"n10000": "2", "n5000": "1",
        "n1000": "4", "n500": "1", "n100": "3"})  # fmt: skip
    assert closed.status_code == 303
    page = cashier.get(closed.location)
    assert "¥298.00" in page.text
    assert cashier.submit(f"{base}/shifts/{shift_id}/accept").status_code == 403
    accountant = client_for(app, "accountant", town)
    assert accountant.submit(f"{base}/shifts/{shift_id}/accept").status_code == 303
    sheet = accountant.get(f"{base}/shifts?format=csv")
    assert sheet.status_code == 200
    assert "198.00" in sheet.text
    assert accountant.get(f"{base}/shifts").status_code == 200
    assert findings(town) == []


def test_a_wrong_entry_is_reversed_on_its_page(app, town, home, cashier):
    _, done = take(cashier, town, home)
    undone = cashier.submit(f"{done.location}/reverse", {"reason": "收错房号"})
    assert undone.status_code == 303
    assert cashier.get(f"/c/{town.community_id}/receipts").status_code == 200
    assert "收错房号" in cashier.get(f"/c/{town.community_id}/receipts?format=csv").text
    assert value(town, "SELECT sum(open_fen) FROM bill WHERE community_id = :c") == 19800
    assert findings(town) == []


def test_a_resident_sees_own_receipts_and_asks_once_for_a_fapiao(app, town, home, cashier):
    take(cashier, town, home)
    base = f"/c/{town.community_id}/my/receipts"
    receipt_id = value(town, "SELECT id FROM receipt WHERE community_id = :c")
    mine = client_for(app, "resident", town, unit=home)
    assert "¥198.00" in mine.get(base).text
    assert "¥198.00" in mine.get(f"{base}/{receipt_id}").text
    assert mine.get(f"{base}/{receipt_id}/receipt.pdf").status_code == 200
    asked = {"title_kind": "person", "title": "李桂兰", "tax_number": "", "email": ""}
    company = {**asked, "title_kind": "company"}
    assert mine.submit(f"{base}/{receipt_id}/fapiao", company).status_code == 422
    assert mine.submit(f"{base}/{receipt_id}/fapiao", asked).status_code == 303
    assert mine.submit(f"{base}/{receipt_id}/fapiao", asked).status_code == 422
    other = client_for(app, "resident", town, unit=town.add_unit("3-2-502"))
    for tail in ("", "/receipt.pdf", "/fapiao"):
        assert other.get(f"{base}/{receipt_id}{tail}").status_code == 404
    assert "¥198.00" not in other.get(base).text


def test_a_buyer_never_sees_the_sellers_receipts(app, town, cashier):
    unit = town.add_unit("1-101")
    seller = town.add_owner(unit, "李四", ends_on="2026-03-01")
    town.add_owner(unit, "王五", "2026-03-01")
    counter = Counter(town)
    counter.issue(unit, "2026-02", payer=seller)
    take(cashier, town, unit, amount_fen="100", payer_id=str(seller.id))
    receipt_id = value(town, "SELECT id FROM receipt WHERE community_id = :c")
    buyer = client_for(app, "resident", town, unit=unit)
    assert buyer.get(f"/c/{town.community_id}/my/receipts/{receipt_id}").status_code == 404


def test_a_fapiao_request_is_exported_issued_or_refused(app, town, home, cashier):
    take(cashier, town, home)
    base = f"/c/{town.community_id}"
    receipt_id = value(town, "SELECT id FROM receipt WHERE community_id = :c")
    asked = {"title_kind": "company", "title": "梧桐商行", "tax_number": "91320000MA1DEM0XX1"}
    assert cashier.submit(f"{base}/receipts/{receipt_id}/fapiao", asked).status_code == 303
    request_id = value(town, "SELECT id FROM fapiao_request WHERE community_id = :c")
    sheet = cashier.get(f"{base}/fapiao?format=csv").text
    assert "91320000MA1DEM0XX1" in sheet
    assert "198.00" in sheet
    assert "52.00" in sheet  # the street's, in a column of its own
    assert "2026-02 2026-03" in sheet
    assert cashier.get(f"{base}/fapiao").status_code == 200
    one = f"{base}/fapiao/{request_id}"
    assert cashier.get(one).status_code == 200
    assert cashier.submit(f"{one}/refuse", {"reason": ""}).status_code == 422
    assert cashier.submit(f"{one}/refuse", {"reason": "税号不对"}).status_code == 303
    assert cashier.submit(f"{base}/receipts/{receipt_id}/fapiao", asked).status_code == 303
    last = value(town, "SELECT max(id) FROM fapiao_request WHERE community_id = :c")
    one = f"{base}/fapiao/{last}"
    wrong = {"fapiao_number": "12", "issued_on": "2026-04-01"}
    assert cashier.submit(f"{one}/issue", wrong).status_code == 422
    good = {"fapiao_number": "24322000000012345678", "issued_on": "2026-04-01"}
    assert cashier.submit(f"{one}/issue", good).status_code == 303
    assert cashier.submit(f"{one}/issue", good).status_code == 422
    assert "24322000000012345678" in cashier.get(f"{base}/receipts/{receipt_id}").text


def test_anyone_with_the_paper_checks_it_and_learns_no_name(app, town, home, cashier):
    take(cashier, town, home)
    code = value(town, "SELECT code FROM receipt WHERE community_id = :c")
    stranger = anonymous(app)
    page = stranger.get(f"/receipts/check/{rules.printed_code(town.community_id, code)}")
    assert page.status_code == 200
    assert "¥198.00" in page.text
    assert "李**" in page.text
    assert "李桂兰" not in page.text
    assert "3-2-501" not in page.text
    wrong = rules.printed_code(town.community_id, "A" * 12)
    for bad in (wrong, "hello", f"{2**70}-{'A' * 12}", "0-AAAA-AAAA-AAAA"):
        assert stranger.get(f"/receipts/check/{bad}").status_code == 404
    typed = stranger.submit("/receipts/check", {"code": wrong})
    assert typed.status_code == 303


def test_who_may_stand_at_the_counter(app, town, home):
    for role, allowed in (
        ("cashier", True),
        ("accountant", True),
        ("manager", True),
        ("supervisor", False),
        ("resident", False),
        ("committee_member", False),
    ):
        client = client_for(app, role, town)
        answer = client.get(f"/c/{town.community_id}/counter")
        assert (answer.status_code == 200) == allowed, role
    weak = client_for(app, "cashier", town, second_factor=False)
    assert weak.get(f"/c/{town.community_id}/counter").status_code != 200
