"""What must hold between bank lines, their matches and payments; joined to the ledger's list."""

from __future__ import annotations

from collections.abc import Sequence

from app.kernel.errors import N_
from app.ledger.invariants import Finding, Invariant, find, register


def lines_are_their_matches(communities: Sequence[int]) -> list[Finding]:
    """A matched line is matched whole, another never beyond itself."""
    return find(
        "bank_lines",
        "bank_line:%(line)s",
        N_("银行流水 %(line)s 金额 %(amount)s 分，认领 %(matched)s 分，与状态不符。"),
        "SELECT l.community_id, l.id AS line, l.amount_fen AS amount,"
        " COALESCE(m.fen, 0) AS matched FROM bank_line l LEFT JOIN ("
        "  SELECT community_id, line_id, sum(amount_fen) AS fen FROM bank_match"
        "   WHERE community_id = ANY(:communities) AND undone_at IS NULL GROUP BY 1, 2) m"
        "  ON m.community_id = l.community_id AND m.line_id = l.id"
        " WHERE l.community_id = ANY(:communities)"
        "  AND ((l.status = 'matched') <> (l.amount_fen = COALESCE(m.fen, 0))"
        "   OR abs(COALESCE(m.fen, 0)) > abs(l.amount_fen)) ORDER BY 1, 2",
        communities,
    )


def bank_payments_have_their_lines(communities: Sequence[int]) -> list[Finding]:
    """A payment that a line made is matched for all of it that was not returned."""
    return find(
        "bank_payments",
        "payment:%(payment)s",
        N_("银行收款 %(payment)s 尚有 %(left)s 分，流水认领 %(matched)s 分。"),
        "SELECT p.community_id, p.id AS payment, p.amount_fen - p.refunded_fen AS left,"
        " COALESCE(m.fen, 0) AS matched FROM payment p LEFT JOIN ("
        "  SELECT community_id, payment_id, sum(amount_fen) AS fen FROM bank_match"
        "   WHERE community_id = ANY(:communities) AND undone_at IS NULL GROUP BY 1, 2) m"
        "  ON m.community_id = p.community_id AND m.payment_id = p.id"
        " WHERE p.community_id = ANY(:communities) AND p.channel IN ('bank', 'code')"
        "  AND p.amount_fen - p.refunded_fen <> COALESCE(m.fen, 0) ORDER BY 1, 2",
        communities,
    )


for _invariant in (
    Invariant("bank_lines", N_("银行流水等于它的认领"), lines_are_their_matches),
    Invariant("bank_payments", N_("银行收款都有流水"), bank_payments_have_their_lines),
):
    register(_invariant)
