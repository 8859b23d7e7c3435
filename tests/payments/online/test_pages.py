"""Pages of online payments: residents pay their own, staff give back with a second person."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from app.kernel.db import db
from app.payments.online import service
from tests.payments.online.conftest import Office
from tests.payments.online.test_flows import limit, status_of
from tests.payments.online.test_gateway import pay
from tests.people import client_for


@pytest.fixture
def home(office: Office) -> dict[str, Any]:
    """A home with two bills and its resident."""
    unit = office.town.add_unit("1-101")
    unit_id = unit.id
    office.town.add_owner(unit, "李秀英")
    bills = [office.bills.issue(unit, month).id for month in ("2026-03", "2026-04")]
    client = client_for(office.app, "resident", office.town)
    return {"unit": unit_id, "bills": bills, "client": client, "at": f"/c/{office.community_id}/my"}


def form(home: dict[str, Any], **values: Any) -> dict[str, Any]:
    return {"bills": [str(one) for one in home["bills"]], "key": "k" * 32, **values}


def items(office: Office) -> list[tuple[Any, ...]]:
    rows = db.session.execute(
        text(
            "SELECT purpose, bill_id, amount_fen FROM payment_item WHERE community_id = :c"
            " ORDER BY payment_id, no"
        ),
        {"c": office.community_id},
    )
    return [tuple(row) for row in rows]


def test_a_resident_chooses_bills_and_is_shown_what_to_pay(office, home):
    client = home["client"]
    page = client.get(f"{home['at']}/pay")
    assert page.status_code == 200
    assert "示范物业" not in page.text
    answer = client.submit(f"{home['at']}/pay", form(home))
    assert answer.status_code == 303
    check = client.get(answer.headers["Location"])
    assert "¥200.00" in check.text
    assert items(office) == [("bill", home["bills"][0], 10000), ("bill", home["bills"][1], 10000)]


def test_sending_the_form_twice_is_one_payment(office, home):
    first = home["client"].submit(f"{home['at']}/pay", form(home))
    again = home["client"].submit(f"{home['at']}/pay", form(home))
    assert first.headers["Location"] == again.headers["Location"]


def test_a_part_pays_the_earliest_due_first(office, home):
    answer = home["client"].submit(f"{home['at']}/pay", form(home, amount_fen="150"))
    assert answer.status_code == 303
    assert items(office) == [("bill", home["bills"][0], 10000), ("bill", home["bills"][1], 5000)]


@pytest.mark.parametrize("typed", ["0", "-1", "200.01", "x"])
def test_a_part_that_makes_no_sense_is_refused_beside_the_field(office, home, typed):
    answer = home["client"].submit(f"{home['at']}/pay", form(home, amount_fen=typed))
    assert answer.status_code == 422
    assert items(office) == []


def test_no_part_where_the_community_wants_bills_whole(office, home):
    service.change_rules(
        office.community_id,
        partial_payment=False,
        overpaid_policy="credit",
        refund_alone_fen=0,
        prepay_months=0,
    )
    db.session.commit()
    assert "ahead" not in home["client"].get(f"{home['at']}/pay").text
    answer = home["client"].submit(f"{home['at']}/pay", form(home, amount_fen="150"))
    assert answer.status_code == 422


def test_three_months_ahead_cost_three_times_the_newest_bill(office, home):
    ahead = f"{home['unit']}:3"
    answer = home["client"].submit(f"{home['at']}/pay", form(home, bills=[], ahead=[ahead]))
    assert answer.status_code == 303
    assert items(office) == [("prepay", None, 30000)]


def test_more_months_ahead_than_the_community_takes_are_not_taken(office, home):
    answer = home["client"].submit(
        f"{home['at']}/pay", form(home, bills=[], ahead=[f"{home['unit']}:24"])
    )
    assert answer.status_code == 422


def test_nobody_pays_or_sees_a_strangers(office, home):
    other = office.town.add_unit("1-102")
    office.town.add_owner(other, "王芳")
    foreign = office.bills.issue(other, "2026-03").id
    answer = home["client"].submit(f"{home['at']}/pay", form(home, bills=[str(foreign)]))
    assert answer.status_code == 422
    mine = home["client"].submit(f"{home['at']}/pay", form(home)).headers["Location"]
    neighbour = client_for(office.app, "resident", office.town)
    assert neighbour.get(mine).status_code == 404
    assert neighbour.get(f"{mine}/checkout").status_code == 404
    assert neighbour.submit(f"{mine}/give-up").status_code == 404


def test_bills_being_paid_cannot_be_chosen_again(office, home):
    home["client"].submit(f"{home['at']}/pay", form(home))
    page = home["client"].get(f"{home['at']}/pay")
    assert page.text.count("disabled") == 2
    answer = home["client"].submit(f"{home['at']}/pay", form(home, key="j" * 32))
    assert answer.status_code == 422


def test_the_checkout_opens_at_the_gateway_and_leads_back(office, home, sandbox):
    mine = home["client"].submit(f"{home['at']}/pay", form(home)).headers["Location"]
    answer = home["client"].get(f"{mine}/checkout")
    assert answer.headers["Location"].startswith(f"{sandbox.base}/checkout/cs_test_")
    session = sandbox.of("checkout.session")[0]
    assert session["success_url"].endswith(f"{mine}?from=checkout")
    back = home["client"].get(f"{mine}?from=checkout")
    assert 'http-equiv="refresh"' in back.text
    sandbox.pay(session["id"], "card")
    office.hear_all(sandbox)
    assert "pay-settled" in home["client"].get(f"{mine}?from=checkout").text


def test_an_outage_of_the_gateway_is_told_and_nothing_is_lost(office, home):
    mine = home["client"].submit(f"{home['at']}/pay", form(home)).headers["Location"]
    answer = home["client"].get(f"{mine}/checkout", follow_redirects=True)
    assert "没有扣款" in answer.text
    assert "pay-started" in answer.text


def test_without_an_account_the_page_says_so(office, home):
    db.session.execute(
        text("UPDATE settlement_account SET closed_at = now() WHERE community_id = :c"),
        {"c": office.community_id},
    )
    db.session.commit()
    page = home["client"].get(f"{home['at']}/pay")
    assert (page.status_code, 'name="bills"' in page.text) == (200, False)


def test_staff_find_a_payment_and_what_happened_to_it(office, sandbox):
    one = pay(office, sandbox)
    office.hear_all(sandbox)
    clerk = client_for(office.app, "cashier", office.town)
    listed = clerk.get(f"/c/{office.community_id}/online-payments?q=1-10")
    assert "¥100.00" in listed.text
    page = clerk.get(f"/c/{office.community_id}/online-payments/{one.id}")
    assert "支付平台：付款成功" in page.text
    assert "申请退这笔款" not in page.text
    sheet = clerk.get(f"/c/{office.community_id}/online-payments?format=xlsx")
    assert sheet.data[:2] == b"PK"


def test_a_refund_by_two_persons_on_the_pages(office, sandbox):
    limit(office, 3000)
    one = pay(office, sandbox)
    office.hear_all(sandbox)
    here = f"/c/{office.community_id}/online-payments/{one.id}"
    manager = client_for(office.app, "manager", office.town)
    accountant = client_for(office.app, "accountant", office.town)
    asked = {"amount_fen": "40", "reason": "重复缴费", "key": "k" * 32}
    assert manager.submit(f"{here}/refund", asked).status_code == 303
    refund_id = db.session.execute(text("SELECT max(id) FROM refund")).scalar_one()
    approve = f"/c/{office.community_id}/online-payments/refunds/{refund_id}/approve"
    assert "同意退款" not in manager.get(here).text
    assert manager.submit(approve).status_code == 403
    assert "同意退款" in accountant.get(here).text
    assert accountant.submit(approve).status_code == 303
    office.work()
    assert status_of(office, "refund") == ["succeeded"]
    assert "已退款" in accountant.get(here).text


def test_a_disagreement_is_listed_for_staff(office, sandbox):
    from tests.payments.online import stripe_says
    from tests.payments.online.test_events import paid

    one, _ = paid(office)
    said = stripe_says.session(one, amount_total=1)
    office.tell(stripe_says.event("checkout.session.completed", said))
    office.work()
    clerk = client_for(office.app, "cashier", office.town)
    assert "金额不一致" in clerk.get(f"/c/{office.community_id}/online-payments").text


def test_settings_are_kept_and_an_account_is_begun(office):
    accountant = client_for(office.app, "accountant", office.town)
    here = f"/c/{office.community_id}/online-payments/settings"
    values = {"overpaid_policy": "refund", "refund_alone_fen": "0", "prepay_months": "3"}
    assert accountant.submit(here, values).status_code == 303
    row = db.session.execute(
        text(
            "SELECT partial_payment, overpaid_policy, refund_alone_fen, prepay_months"
            " FROM community WHERE id = :c"
        ),
        {"c": office.community_id},
    ).one()
    assert tuple(row) == (False, "refund", 0, 3)
    assert accountant.get(here).status_code == 200
    bad = accountant.submit(f"{here}/account", {"gateway_account": "x123456", "holder": "甲"})
    assert bad.status_code == 422
    fine = accountant.submit(
        f"{here}/account", {"gateway_account": f"acct_n{office.community_id}", "holder": "甲"}
    )
    assert fine.status_code == 303
    rows = db.session.execute(
        text(
            "SELECT closed_at IS NULL FROM settlement_account WHERE community_id = :c ORDER BY id"
        ),
        {"c": office.community_id},
    )
    assert list(rows.scalars()) == [False, True]
