"""Bank lines become payments, settlements, receipts and matches; each only by a person's word."""

from __future__ import annotations

import threading
from datetime import date

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app.billing.bank import service
from app.billing.bank.service import HomePart
from app.billing.bills.queries import accounts
from app.billing.counter import service as till
from app.kernel import audit, clock
from app.kernel.audit import Actor
from app.kernel.db import db
from app.kernel.errors import Conflict, NotFound, RuleBroken
from app.kernel.tenancy import scoped
from app.payments.bank import queries as bank
from app.payments.bank import service as statements
from tests.billing.bank import account, bring_in, lines, one, proposed, sheet
from tests.billing.bills import Counter
from tests.billing.test_bills_service import findings, journal
from tests.builders import Town

MARCH = "2026-03-20"


@pytest.fixture
def counter(town: Town) -> Counter:
    return Counter(town)


@pytest.fixture(autouse=True)
def wu_acts():
    with audit.acting(Actor(account_id=902, name="吴国平", via="web")):
        yield


@pytest.fixture
def home(town: Town, counter: Counter):
    """3-501 of 张三 owes 100.00 for February and 120.00 for March."""
    from tests.billing.bills import Charge

    unit = town.add_unit("3-501")
    owner = town.add_owner(unit, "张三")
    counter.issue(unit, "2026-02", Charge(10000), payer=owner)
    counter.issue(unit, "2026-03", Charge(12000), payer=owner)
    return unit


def open_fen(town: Town, unit) -> int:
    return one(
        town,
        "SELECT COALESCE(sum(open_fen), 0) FROM bill WHERE community_id = :c AND unit_id = :u",
        u=unit.id,
    )


def count(town: Town, table: str) -> int:
    return one(town, f"SELECT count(*) FROM {table} WHERE community_id = :c")


def test_the_same_file_and_an_overlapping_one_add_nothing_twice(town):
    to = account(town)
    first = sheet((MARCH, "100.00", "张三", "a"), (MARCH, "200.00", "李四", "b"))
    made = bring_in(town, to, first)
    assert (made.status, made.new_count, made.known_count) == ("applied", 2, 0)
    assert bring_in(town, to, first).id == made.id
    longer = sheet(
        (MARCH, "100.00", "张三", "a"), (MARCH, "200.00", "李四", "b"), (MARCH, "300.00", "", "c")
    )
    more = bring_in(town, to, longer, "b.csv")
    assert (more.new_count, more.known_count) == (1, 2)
    assert [line.amount_fen for line in lines(town)] == [10000, 20000, 30000]


def test_an_account_takes_one_kind_of_statement(town):
    to = account(town)
    bring_in(town, to, sheet((MARCH, "100.00", "张三", "a")))
    ofx = b"""OFXHEADER:100
DATA:OFXSGML

<OFX><BANKMSGSRSV1><STMTTRNRS><STMTRS><CURDEF>CNY<BANKACCTFROM><ACCTID>1</BANKACCTFROM>
<BANKTRANLIST><STMTTRN><TRNTYPE>CREDIT<DTPOSTED>20260320<TRNAMT>5.00<FITID>1<NAME>x</STMTTRN>
</BANKTRANLIST></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>"""
    refused = bring_in(town, to, ofx, "a.ofx")
    assert refused.status == "refused"
    assert "一个账户只收一种账单" in refused.refusal
    assert len(lines(town)) == 1


def test_an_unknown_layout_is_mapped_once_and_remembered(town):
    to = account(town)
    odd = "何时,几多,谁,说\n2026-03-20,100.00,张三,3-501\n".encode()
    asked = bring_in(town, to, odd)
    assert (asked.status, asked.columns["headers"]) == ("columns", ["何时", "几多", "谁", "说"])
    from app.payments.statements.mapping import Mapping

    mapping = Mapping(
        ("何时", "几多", "谁", "说"), {"date": 0, "amount": 1, "counterparty": 2, "remark": 3}
    )
    statements.choose_columns(town.community_id, asked.id, mapping)
    statements.read_file(town.community_id, asked.id)
    assert (asked.status, asked.new_count) == ("ready", 1)
    statements.ask_to_apply(town.community_id, asked.id)
    statements.apply_file(town.community_id, asked.id)
    again = bring_in(town, to, odd.replace(b"03-20", b"03-21"), "b.csv")
    assert (again.status, again.new_count) == ("applied", 1)


def test_a_broken_file_gives_a_sentence(town):
    made = bring_in(town, account(town), b"%PDF-1.7 not a statement \x00\x01")
    assert made.status == "refused"
    assert made.refusal


def test_a_confirmed_proposal_pays_the_bills_and_writes_a_receipt(town, home):
    """220.00 for both bills: 1002 220.00 / 1122 220.00."""
    (line,) = proposed(town, (MARCH, "220.00", "张三", "3栋501物业费"))
    assert (line.status, line.score, open_fen(town, home)) == ("proposed", 99, 22000)
    service.confirm_best(town.community_id, line.id, together=True)
    (line,) = lines(town)
    assert (line.status, open_fen(town, home)) == ("matched", 0)
    entry = one(town, "SELECT entry_id FROM settlement WHERE community_id = :c")
    assert [(code, fen) for code, fen, _ in journal(town, entry)] == [
        ("1002", 22000), ("1122", -22000)
    ]  # fmt: skip
    channel, payer = db.session.execute(
        text("SELECT channel, payer_name FROM receipt WHERE community_id = :c"),
        {"c": town.community_id},
    ).one()
    assert (channel, payer) == ("bank", "张三")
    assert one(town, "SELECT sum(amount_fen) FROM payment_item WHERE community_id = :c") == 22000
    assert findings(town) == []


def test_nothing_is_settled_without_a_person(town, home):
    proposed(town, (MARCH, "220.00", "张三", "3栋501物业费"))
    assert count(town, "settlement") == count(town, "payment") == count(town, "bank_match") == 0


def test_confirming_twice_is_a_conflict_and_pays_once(town, home):
    (line,) = proposed(town, (MARCH, "220.00", "张三", "3-501"))
    service.confirm_best(town.community_id, line.id)
    with pytest.raises(Conflict):
        service.confirm_best(town.community_id, line.id)
    assert count(town, "payment") == 1


def test_undoing_takes_all_back_and_the_line_may_be_laid_again(town, home):
    (line,) = proposed(town, (MARCH, "220.00", "张三", "3-501"))
    service.confirm_best(town.community_id, line.id)
    (match,) = bank.matches(town.community_id, line.id)
    service.undo(town.community_id, match.id, "认错了")
    (line,) = lines(town)
    assert (line.status, open_fen(town, home)) == ("unmatched", 22000)
    assert one(town, "SELECT voided_at IS NOT NULL FROM receipt WHERE community_id = :c")
    with pytest.raises(Conflict):
        service.undo(town.community_id, match.id, "认错了")
    service.confirm_homes(town.community_id, line.id, [HomePart(home.id, 22000)])
    assert open_fen(town, home) == 0
    assert findings(town) == []


def test_one_line_for_two_homes_and_two_lines_for_one_bill(town, counter, home):
    other = town.add_unit("3-502")
    counter.issue(other, "2026-03")
    first, second, third = proposed(
        town,
        (MARCH, "320.00", "某公司", "3栋501、502"),
        (MARCH, "40.00", "王五", "x"),
        (MARCH, "60.00", "王五", "y"),
    )
    service.confirm_best(town.community_id, first.id)
    assert (open_fen(town, home), open_fen(town, other)) == (0, 0)
    assert (count(town, "payment"), count(town, "settlement")) == (1, 2)
    bill = counter.issue(other, "2026-04")
    for line, fen in ((second, 4000), (third, 6000)):
        service.confirm_homes(town.community_id, line.id, [HomePart(other.id, fen, (bill.id,))])
    assert open_fen(town, other) == 0
    assert findings(town) == []


def test_a_line_is_laid_in_parts_and_never_beyond_itself(town, home):
    (line,) = proposed(town, (MARCH, "220.00", "某人", "x"))
    service.confirm_homes(town.community_id, line.id, [HomePart(home.id, 10000)])
    assert lines(town)[0].status == "unmatched"
    with pytest.raises(RuleBroken, match=r"120\.00"):
        service.confirm_homes(town.community_id, line.id, [HomePart(home.id, 12001)])
    service.confirm_homes(town.community_id, line.id, [HomePart(home.id, 12000)])
    assert (lines(town)[0].status, open_fen(town, home)) == ("matched", 0)


def test_postgresql_itself_keeps_matches_within_the_line(town, home):
    (line,) = proposed(town, (MARCH, "220.00", "某人", "x"))
    service.confirm_homes(town.community_id, line.id, [HomePart(home.id, 22000)])
    entry = one(town, "SELECT entry_id FROM settlement WHERE community_id = :c")
    with pytest.raises(IntegrityError, match="more is matched than the line has"):
        db.session.execute(
            text(
                "INSERT INTO bank_match (community_id, line_id, kind, entry_id, amount_fen)"
                " VALUES (:c, :line, 'entry', :entry, 1)"
            ),
            {"c": town.community_id, "line": line.id, "entry": entry},
        )
    db.session.rollback()


@pytest.mark.parametrize("change", ["amount_fen = 1", "remark = ''", "booked_on = '2026-01-01'"])
def test_what_the_bank_said_never_changes(town, change):
    proposed(town, (MARCH, "220.00", "某人", "x"))
    with pytest.raises(IntegrityError, match="what a bank said is never changed"):
        db.session.execute(
            text(f"UPDATE bank_line SET {change} WHERE community_id = :c"),
            {"c": town.community_id},
        )
    db.session.rollback()


def test_what_is_confirmed_together_must_still_fit(town, counter, home):
    """Both lines fit the same bills; after the first the second would become credit."""
    first, second = proposed(
        town, (MARCH, "220.00", "张三", "3-501"), (MARCH, "220.00", "张三", "3-501")
    )
    service.confirm_best(town.community_id, first.id, together=True)
    with pytest.raises(Conflict, match="逐笔核对"), db.session.begin_nested():
        service.confirm_best(town.community_id, second.id, together=True)
    assert count(town, "payment") == 1
    service.confirm_best(town.community_id, second.id)
    assert accounts.credit_fen(town.community_id, home.id) == 22000


def test_the_streets_money_is_explained_and_never_pays_residents(town, counter, home):
    counter.scheme()
    street = one(town, "SELECT r.name FROM subsidy_scheme s JOIN region r"
                       " ON r.id = s.payer_region_id WHERE s.community_id = :c")  # fmt: skip
    (line,) = proposed(town, (MARCH, "220.00", street, "3-501"))
    assert line.proposal["kind"] == "subsidy"
    with pytest.raises(RuleBroken, match="补贴"):
        service.confirm_homes(town.community_id, line.id, [HomePart(home.id, 22000)])
    service.confirm_best(town.community_id, line.id)
    (line,) = lines(town)
    assert (line.status, line.reason, open_fen(town, home)) == ("explained", "政府补贴", 22000)


def test_outgoing_and_neutral_lines_settle_nothing(town, home):
    (line,) = proposed(town, (MARCH, "-220.00", "张三", "3-501"))
    assert line.status == "unmatched"
    with pytest.raises(RuleBroken):
        service.confirm_homes(town.community_id, line.id, [HomePart(home.id, 22000)])


def test_a_bank_fee_and_its_undoing(town):
    """5.00 kept: 6603 5.00 / 1002 5.00, and back."""
    (line,) = proposed(town, (MARCH, "-5.00", "工商银行", "手续费"))
    match = service.enter_fee(town.community_id, line.id)
    assert [(code, fen) for code, fen, _ in journal(town, match.entry_id)] == [
        ("6603", 500), ("1002", -500)
    ]  # fmt: skip
    service.undo(town.community_id, match.id, "不是手续费")
    assert one(town, "SELECT sum(amount_fen) FROM posting WHERE community_id = :c"
                     " AND account_code = '6603'") == 0  # fmt: skip
    assert lines(town)[0].status == "unmatched"


def test_cash_that_was_banked_finds_its_line_by_the_slip(town, home):
    with clock.moved_to(date(2026, 3, 19)):
        till.open_shift(town.community_id)
        till.take_payment(town.community_id, home.id, 10000, means="cash", key="f1")
        till.bank_cash(town.community_id, 10000, slip="CK20260319", key="b1")
    (line,) = proposed(town, (MARCH, "100.00", "", "现金存款 CK20260319"))
    assert (line.proposal["kind"], line.score) == ("deposit", 100)
    service.confirm_best(town.community_id, line.id, together=True)
    assert lines(town)[0].status == "matched"
    assert count(town, "settlement") == 1


def test_a_transfer_entered_at_the_counter_is_matched_not_settled_again(town, home):
    with clock.moved_to(date(2026, 3, 19)):
        till.open_shift(town.community_id)
        till.take_payment(
            town.community_id, home.id, 10000, means="transfer", reference="HD998877", key="f1"
        )
    (line,) = proposed(town, (MARCH, "100.00", "张三", "3-501 回单HD998877"))
    assert (line.proposal["kind"], line.score) == ("payment", 100)
    service.confirm_best(town.community_id, line.id, together=True)
    assert (lines(town)[0].status, open_fen(town, home)) == ("matched", 12000)
    (match,) = bank.matches(town.community_id, line.id)
    service.undo(town.community_id, match.id, "不是这一笔")
    assert (lines(town)[0].status, open_fen(town, home)) == ("unmatched", 12000)


def test_a_cards_money_leaves_transit_when_its_line_comes(town, home):
    """1012 100.00 at the till; 1002 100.00 / 1012 100.00 by the line."""
    with clock.moved_to(date(2026, 3, 19)):
        till.open_shift(town.community_id)
        till.take_payment(
            town.community_id, home.id, 10000, means="pos", reference="POS112233", key="f1"
        )
    (line,) = proposed(town, (MARCH, "100.00", "银联商务", "POS112233"))
    service.confirm_best(town.community_id, line.id)
    sums = dict(
        db.session.execute(
            text(
                "SELECT account_code, sum(amount_fen)::int FROM posting WHERE community_id = :c"
                " AND account_code IN ('1002', '1012') GROUP BY 1"
            ),
            {"c": town.community_id},
        ).all()
    )
    assert sums == {"1002": 10000, "1012": 0}
    assert findings(town) == []


def test_a_wallets_money_is_in_transit_until_it_is_withdrawn(town, home):
    """WeChat 220.00: 1012 / 1122; withdrawn: 1002 / 1012."""
    wallet = account(town, "wechat", name="微信收款")
    bring_in(town, wallet, sheet((MARCH, "220.00", "张三", "3-501")))
    bring_in(town, account(town), sheet(("2026-03-22", "220.00", "财付通", "提现"), start=9))
    service.propose_all(town.community_id)
    paid, withdrawn = lines(town)
    service.confirm_best(town.community_id, paid.id)
    service.enter_own(town.community_id, withdrawn.id)
    rows = db.session.execute(
        text(
            "SELECT account_code, sum(amount_fen)::int FROM posting WHERE community_id = :c"
            " AND account_code IN ('1002', '1012') GROUP BY 1 ORDER BY 1"
        ),
        {"c": town.community_id},
    ).all()
    assert [tuple(row) for row in rows] == [("1002", 22000), ("1012", 0)]
    assert one(town, "SELECT channel FROM receipt WHERE community_id = :c") == "code"


def test_an_explanation_needs_a_reason_and_can_be_withdrawn(town):
    (line,) = proposed(town, (MARCH, "220.00", "某人", "x"))
    with pytest.raises(RuleBroken):
        service.explain(town.community_id, line.id, "  ")
    service.explain(town.community_id, line.id, "误转，已联系退回")
    with pytest.raises(Conflict):
        service.enter_own(town.community_id, line.id)
    service.take_up_again(town.community_id, line.id)
    assert lines(town)[0].status == "unmatched"


def test_another_communitys_line_is_not_there(town, home):
    (line,) = proposed(town, (MARCH, "220.00", "张三", "3-501"))
    from tests.builders import found_town

    line_id, other = line.id, found_town()
    with scoped([other.community_id]), pytest.raises(NotFound):
        service.confirm_best(other.community_id, line_id)


def test_two_people_confirm_one_line_at_once_and_one_does(app, town, home):
    (line,) = proposed(town, (MARCH, "220.00", "张三", "3-501"))
    line_id = line.id
    db.session.commit()
    done: list[str] = []

    def work() -> None:
        with app.app_context(), scoped([town.community_id]):
            try:
                service.confirm_best(town.community_id, line_id)
                db.session.commit()
                done.append("yes")
            except Conflict:
                db.session.rollback()
                done.append("no")
            finally:
                db.session.remove()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == ["no"] * 7 + ["yes"]
    assert count(town, "payment") == 1
    assert findings(town) == []


def test_what_went_round_the_matches_is_found(app, town, home, environment):
    """An owner's hand that undoes a match in the table alone is seen by the nightly check."""
    (line,) = proposed(town, (MARCH, "220.00", "张三", "3-501"))
    service.confirm_best(town.community_id, line.id)
    db.session.commit()
    assert findings(town) == []
    db.session.execute(
        text(
            "UPDATE bank_match SET undone_at = now(), undone_reason = 'x' WHERE community_id = :c"
        ),
        {"c": town.community_id},
    )
    assert len(findings(town)) == 2
    assert all("流水" in str(one) for one in findings(town))
    db.session.rollback()


def test_a_match_never_comes_back_once_undone(town, home):
    (line,) = proposed(town, (MARCH, "220.00", "张三", "3-501"))
    service.confirm_best(town.community_id, line.id)
    (match,) = bank.matches(town.community_id, line.id)
    service.undo(town.community_id, match.id, "认错了")
    with pytest.raises(IntegrityError, match="a match stays as it was made"):
        db.session.execute(
            text(
                "UPDATE bank_match SET undone_at = NULL, undone_reason = '' WHERE community_id = :c"
            ),
            {"c": town.community_id},
        )
    db.session.rollback()


def test_an_old_lines_money_goes_to_the_first_open_month(town, home):
    """March is closed for the service book: the line of March is entered in April."""
    from app.kernel.period import Month
    from app.ledger import service as ledger

    (line,) = proposed(
        town, (MARCH, "220.00", "张三", "3-501"), ("2026-03-22", "-5.00", "行", "费")
    )[:1]
    fee = lines(town)[1]
    for number in (1, 2, 3):
        with clock.moved_to(date(2026, 4, 15)):
            _close(town, ledger, Month(2026, number))
    service.confirm_best(town.community_id, line.id)
    service.enter_fee(town.community_id, fee.id)
    months = db.session.execute(
        text(
            "SELECT DISTINCT month FROM entry WHERE community_id = :c"
            " AND kind IN ('settlement:received', 'bank:fee')"
        ),
        {"c": town.community_id},
    ).scalars().all()  # fmt: skip
    assert months == [date(2026, 4, 1)]


def _close(town: Town, ledger, month) -> None:
    from app.kernel.errors import HouseError

    try:
        ledger.close_month(town.community_id, "service", month)
    except HouseError as error:
        if month.number == 3:
            raise AssertionError(str(error)) from error
