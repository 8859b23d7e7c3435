"""Many payments at once do what each would have done alone."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from app.billing.bills import service
from app.billing.bills.service import Incoming
from app.kernel.db import db
from app.kernel.errors import Conflict, NotFound, RuleBroken
from tests.billing.bills import Charge, Counter
from tests.billing.test_bills_service import findings
from tests.builders import found_town


def came(unit_id: int, fen: int, source: str, means: str = "bank") -> Incoming:
    return Incoming(unit_id, fen, date(2026, 4, 2), means, source)


def told(town) -> list[tuple]:
    """What the tables say, without ids: entries, settlements, receipts, bills."""
    found = []
    for sql in (
        "SELECT e.source, e.month, e.posted_on, p.account_code, p.amount_fen, u.label FROM entry e"
        " JOIN posting p ON p.community_id = e.community_id AND p.entry_id = e.id"
        " LEFT JOIN unit u ON u.community_id = p.community_id AND u.id = p.unit_id"
        " WHERE e.community_id = :c AND e.kind = 'settlement:received' ORDER BY e.id, p.no",
        "SELECT s.source, s.means, s.amount_fen, s.credit_fen, b.month, a.amount_fen"
        " FROM settlement s LEFT JOIN allocation a ON a.community_id = s.community_id"
        " AND a.settlement_id = s.id LEFT JOIN bill b ON b.community_id = a.community_id"
        " AND b.id = a.bill_id WHERE s.community_id = :c ORDER BY s.id, b.due_on, b.id",
        "SELECT number, unit_label, payer_name, amount_fen, credit_fen, channel, means,"
        " jsonb_array_length(lines) FROM receipt WHERE community_id = :c ORDER BY number",
        "SELECT u.label, b.month, b.paid_fen, b.open_fen FROM bill b JOIN unit u"
        " ON u.community_id = b.community_id AND u.id = b.unit_id"
        " WHERE b.community_id = :c ORDER BY u.label, b.month",
    ):
        rows = db.session.execute(text(sql), {"c": town.community_id})
        found.append([tuple(row) for row in rows])
    return found


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    bills=st.lists(st.tuples(st.integers(0, 2), st.integers(1, 9_000)), max_size=6),
    payments=st.lists(st.tuples(st.integers(0, 2), st.integers(1, 12_000)), min_size=1, max_size=6),
)
def test_together_or_one_by_one_is_the_same(house, bills, payments):
    from app.kernel.tenancy import scoped

    seen = []
    for together in (True, False):
        town = found_town()
        with scoped([town.community_id]):
            counter, units = Counter(town), [town.add_unit(f"1-10{n}") for n in range(3)]
            town.add_owner(units[0], "张三")
            for month, (home, fen) in enumerate(bills, 1):
                counter.issue(units[home], f"2026-{month:02d}", Charge(fen))
            rows = [came(units[home].id, fen, f"in:{n}") for n, (home, fen) in enumerate(payments)]
            if together:
                service.settle_many(town.community_id, rows)
            else:
                for row in rows:
                    service.settle(
                        town.community_id,
                        row.unit_id,
                        row.amount_fen,
                        received_on=row.received_on,
                        means=row.means,
                        source=row.source,
                    )
            db.session.commit()
            seen.append(told(town))
            assert findings(town) == []
    assert seen[0] == seen[1]


def test_a_batch_is_taken_whole_or_not_at_all(town):
    unit = town.add_unit()
    for rows, refusal in (
        ([came(unit.id, 100, "a"), came(10**12, 100, "b")], NotFound),
        ([came(unit.id, 100, "a"), came(unit.id, 100, "a")], Conflict),
        ([came(unit.id, 100, "a"), came(unit.id, 0, "b")], RuleBroken),
        ([came(unit.id, 100, "a"), came(unit.id, 100, "b", "credit")], RuleBroken),
    ):
        with pytest.raises(refusal):
            service.settle_many(town.community_id, rows)
        db.session.rollback()
    assert service.settle_many(town.community_id, []) == []
    service.settle_many(town.community_id, [came(unit.id, 100, "a")])
    with pytest.raises(Conflict):
        service.settle_many(town.community_id, [came(unit.id, 100, "a")])
    assert findings(town) == []
