"""What must hold between bills and books; joined to the ledger's list at wiring.

The books are kept by unit on 1122 and 2203, so each unit's bills can be held against its
account, and a wrong fen is found at the very home it belongs to.
"""

from __future__ import annotations

from collections.abc import Sequence

from app.kernel.errors import N_
from app.ledger.invariants import Finding, Invariant, find, register

_CONTROL = """
SELECT community_id, unit_id AS unit, COALESCE(b.fen, 0) AS booked, COALESCE(a.fen, 0) AS kept
FROM (SELECT community_id, unit_id, sum(amount_fen) AS fen FROM posting
       WHERE community_id = ANY(:communities) AND book = 'service' AND account_code = '{code}'
       GROUP BY 1, 2) b
FULL JOIN ({kept}) a USING (community_id, unit_id)
WHERE COALESCE(b.fen, 0) <> COALESCE(a.fen, 0) ORDER BY 1, 2
"""
_OPEN = (
    "SELECT community_id, unit_id, sum(open_fen) AS fen FROM bill"
    " WHERE community_id = ANY(:communities) GROUP BY 1, 2"
)
_CREDIT = (
    "SELECT community_id, unit_id,"
    " sum(CASE WHEN means = 'credit' THEN amount_fen ELSE -credit_fen END) AS fen FROM settlement"
    " WHERE community_id = ANY(:communities) GROUP BY 1, 2"
)


def receivables_are_open_bills(communities: Sequence[int]) -> list[Finding]:
    """1122 of every unit is what is open on its bills."""
    return find(
        "receivables",
        "unit:%(unit)s",
        N_("房屋 %(unit)s 的应收账面 %(booked)s 分，未付账单合计 %(kept)s 分。"),
        _CONTROL.format(code="1122", kept=_OPEN),
        communities,
    )


def advances_are_credit(communities: Sequence[int]) -> list[Finding]:
    """2203 of every unit is the credit kept of its settlements, less what was used."""
    return find(
        "advances",
        "unit:%(unit)s",
        N_("房屋 %(unit)s 的预收账面 %(booked)s 分，收款余额合计 %(kept)s 分。"),
        _CONTROL.format(code="2203", kept=_CREDIT),
        communities,
    )


def subsidy_receivable_is_billed(communities: Sequence[int]) -> list[Finding]:
    """1221 is the subsidy of all live bills, as long as no claim has been paid."""
    return find(
        "subsidy_receivable",
        "account:service:1221",
        N_("应收政府补贴账面 %(booked)s 分，账单补贴合计 %(billed)s 分。"),
        "SELECT community_id, COALESCE(p.fen, 0) AS booked, COALESCE(b.fen, 0) AS billed"
        " FROM (SELECT p.community_id, sum(p.amount_fen) AS fen FROM posting p"
        "  JOIN entry e ON e.community_id = p.community_id AND e.id = p.entry_id"
        "  LEFT JOIN entry o ON o.community_id = e.community_id AND o.id = e.reverses_id"
        "  WHERE p.community_id = ANY(:communities) AND p.book = 'service'"
        "   AND p.account_code = '1221'"
        "   AND COALESCE(o.kind, e.kind) = 'bill_run:issued' GROUP BY 1) p"
        " FULL JOIN (SELECT community_id, sum(subsidy_fen) AS fen FROM bill"
        "  WHERE community_id = ANY(:communities) AND NOT withdrawn GROUP BY 1) b"
        " USING (community_id)"
        " WHERE COALESCE(p.fen, 0) <> COALESCE(b.fen, 0) ORDER BY 1",
        communities,
    )


def allocations_are_payments(communities: Sequence[int]) -> list[Finding]:
    """What was laid on a bill is what it says was paid; every settlement is laid out whole."""
    bills = find(
        "allocations",
        "bill:%(bill)s",
        N_("账单 %(bill)s 记已付 %(paid)s 分，核销合计 %(laid)s 分。"),
        "SELECT b.community_id, b.id AS bill, b.paid_fen AS paid, COALESCE(a.fen, 0) AS laid"
        " FROM bill b LEFT JOIN (SELECT community_id, bill_id, sum(amount_fen) AS fen"
        "  FROM allocation WHERE community_id = ANY(:communities) GROUP BY 1, 2) a"
        "  ON a.community_id = b.community_id AND a.bill_id = b.id"
        " WHERE b.community_id = ANY(:communities) AND b.paid_fen <> COALESCE(a.fen, 0)"
        " ORDER BY 1, 2",
        communities,
    )
    settlements = find(
        "allocations",
        "settlement:%(settlement)s",
        N_("收款 %(settlement)s 金额 %(amount)s 分，核销与预收合计 %(laid)s 分。"),
        "SELECT s.community_id, s.id AS settlement, s.amount_fen AS amount,"
        " s.credit_fen + COALESCE(a.fen, 0) AS laid FROM settlement s"
        " LEFT JOIN (SELECT community_id, settlement_id, sum(amount_fen) AS fen"
        "  FROM allocation WHERE community_id = ANY(:communities) GROUP BY 1, 2) a"
        "  ON a.community_id = s.community_id AND a.settlement_id = s.id"
        " WHERE s.community_id = ANY(:communities)"
        "  AND s.amount_fen <> s.credit_fen + COALESCE(a.fen, 0) ORDER BY 1, 2",
        communities,
    )
    return bills + settlements


def takings_back_are_within(communities: Sequence[int]) -> list[Finding]:
    """What was taken back of a settlement is never more than it brought, and of the same home."""
    return find(
        "taken_back",
        "settlement:%(settlement)s",
        N_("收款 %(settlement)s 金额 %(amount)s 分，退回合计 %(back)s 分或不属同一房屋。"),
        "SELECT s.community_id, s.id AS settlement, s.amount_fen AS amount, t.fen AS back"
        " FROM (SELECT community_id, takes_back_id AS id, -sum(amount_fen) AS fen,"
        "  min(unit_id) AS least, max(unit_id) AS most FROM settlement"
        "  WHERE community_id = ANY(:communities) AND takes_back_id IS NOT NULL GROUP BY 1, 2) t"
        " JOIN settlement s ON s.community_id = t.community_id AND s.id = t.id"
        " WHERE t.fen > s.amount_fen OR s.takes_back_id IS NOT NULL OR t.least <> s.unit_id"
        " OR t.most <> s.unit_id ORDER BY 1, 2",
        communities,
    )


def payments_are_settled_whole(communities: Sequence[int]) -> list[Finding]:
    """A settled payment is the sum of its settlements, before anything was taken back."""
    return find(
        "payments_settled",
        "payment:%(payment)s",
        N_("收款单 %(payment)s 金额 %(amount)s 分，入账合计 %(laid)s 分。"),
        "SELECT p.community_id, p.id AS payment, p.amount_fen AS amount,"
        " COALESCE(s.fen, 0) AS laid FROM payment p LEFT JOIN ("
        "  SELECT community_id, payment_id, sum(amount_fen) AS fen FROM settlement"
        "   WHERE community_id = ANY(:communities) AND payment_id IS NOT NULL"
        "    AND takes_back_id IS NULL GROUP BY 1, 2) s"
        "  ON s.community_id = p.community_id AND s.payment_id = p.id"
        " WHERE p.community_id = ANY(:communities) AND p.book = 'service'"
        "  AND CASE WHEN p.status = 'settled' THEN p.amount_fen <> COALESCE(s.fen, 0)"
        "   ELSE s.fen IS NOT NULL END ORDER BY 1, 2",
        communities,
    )


def notes_are_counted(communities: Sequence[int]) -> list[Finding]:
    """A bill's corrections are its debit notes less its credit notes."""
    return find(
        "bill_notes",
        "bill:%(bill)s",
        N_("账单 %(bill)s 记调整 %(kept)s 分，调整单合计 %(noted)s 分。"),
        "SELECT b.community_id, b.id AS bill, b.notes_fen AS kept, COALESCE(n.fen, 0) AS noted"
        " FROM bill b LEFT JOIN (SELECT community_id, bill_id,"
        "  sum(CASE WHEN kind = 'debit' THEN amount_fen ELSE -amount_fen END) AS fen"
        "  FROM bill_note WHERE community_id = ANY(:communities) GROUP BY 1, 2) n"
        "  ON n.community_id = b.community_id AND n.bill_id = b.id"
        " WHERE b.community_id = ANY(:communities) AND b.notes_fen <> COALESCE(n.fen, 0)"
        " ORDER BY 1, 2",
        communities,
    )


def bills_are_their_lines(communities: Sequence[int]) -> list[Finding]:
    """A bill's gross and subsidy are the sums of its lines."""
    return find(
        "bill_lines",
        "bill:%(bill)s",
        N_("账单 %(bill)s 的金额与明细合计不符。"),
        "SELECT b.community_id, b.id AS bill FROM bill b LEFT JOIN ("
        "  SELECT community_id, bill_id, sum(gross_fen) AS gross, sum(subsidy_fen) AS subsidy"
        "   FROM bill_line WHERE community_id = ANY(:communities) GROUP BY 1, 2) l"
        "  ON l.community_id = b.community_id AND l.bill_id = b.id"
        " WHERE b.community_id = ANY(:communities) AND (b.gross_fen, b.subsidy_fen)"
        "  IS DISTINCT FROM (COALESCE(l.gross, 0), COALESCE(l.subsidy, 0)) ORDER BY 1, 2",
        communities,
    )


for _invariant in (
    Invariant("receivables", N_("每户应收等于未付账单之和"), receivables_are_open_bills),
    Invariant("advances", N_("每户预收等于收款余额"), advances_are_credit),
    Invariant("subsidy_receivable", N_("应收补贴等于账单补贴之和"), subsidy_receivable_is_billed),
    Invariant("allocations", N_("收款全部核销到账单或记预收"), allocations_are_payments),
    Invariant("taken_back", N_("退回不超过收款"), takings_back_are_within),
    Invariant("payments_settled", N_("收款单全部入账"), payments_are_settled_whole),
    Invariant("bill_notes", N_("账单调整额等于调整单之和"), notes_are_counted),
    Invariant("bill_lines", N_("账单金额等于明细之和"), bills_are_their_lines),
):
    register(_invariant)
