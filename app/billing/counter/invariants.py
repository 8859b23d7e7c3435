"""What must hold between counter payments, tills and shifts; joined to the ledger's list."""

from __future__ import annotations

from collections.abc import Sequence

from app.kernel.errors import N_
from app.ledger.invariants import Finding, Invariant, find, register


def every_counter_payment_is_in_a_till(communities: Sequence[int]) -> list[Finding]:
    """A payment over the counter came into one shift's till, with its sum."""
    return find(
        "tills",
        "payment:%(payment)s",
        N_("柜台收款 %(payment)s 金额 %(amount)s 分，班次记 %(taken)s 分。"),
        "SELECT p.community_id, p.id AS payment, p.amount_fen AS amount,"
        " COALESCE(m.amount_fen, 0) AS taken FROM payment p LEFT JOIN till_movement m"
        "  ON m.community_id = p.community_id AND m.payment_id = p.id AND m.kind = 'taken'"
        " WHERE p.community_id = ANY(:communities) AND p.channel = 'counter'"
        "  AND p.amount_fen IS DISTINCT FROM m.amount_fen ORDER BY 1, 2",
        communities,
    )


def closed_shifts_are_their_movements(communities: Sequence[int]) -> list[Finding]:
    """What a closed shift's till should hold is its float and all cash through it."""
    return find(
        "shifts",
        "shift:%(shift)s",
        N_("班次 %(shift)s 交班时应有 %(expected)s 分，流水合计 %(moved)s 分。"),
        "SELECT s.community_id, s.id AS shift, s.expected_fen AS expected,"
        " s.float_fen + COALESCE(m.fen, 0) AS moved FROM shift s LEFT JOIN ("
        "  SELECT community_id, shift_id, sum(amount_fen) AS fen FROM till_movement"
        "   WHERE community_id = ANY(:communities) AND means = 'cash' GROUP BY 1, 2) m"
        "  ON m.community_id = s.community_id AND m.shift_id = s.id"
        " WHERE s.community_id = ANY(:communities) AND s.closed_at IS NOT NULL"
        "  AND s.expected_fen <> s.float_fen + COALESCE(m.fen, 0) ORDER BY 1, 2",
        communities,
    )


for _invariant in (
    Invariant("tills", N_("柜台收款都在班次里"), every_counter_payment_is_in_a_till),
    Invariant("shifts", N_("交班金额等于班次流水"), closed_shifts_are_their_movements),
):
    register(_invariant)
