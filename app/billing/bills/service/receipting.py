"""A settlement's receipt: what billing knows of it, handed to the room that issues it."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import text

from app.billing.models import Settlement
from app.kernel.db import db
from app.payments.receipts import rules, service
from app.payments.receipts.service import Paid, Received

# The payer is who the payment says, or whose bill was paid first, or the home's owner that day.
_FACTS = text("""
SELECT u.label, p.channel, COALESCE(p.means, '') AS means, COALESCE(p.reference, '') AS reference,
  p.payer_name,
  COALESCE(CAST(:payer AS bigint), p.payer_id, bills.payer_id, owner.person_id) AS payer_id,
  person.name AS person_name, COALESCE(bills.lines, '[]'::jsonb) AS lines
FROM unit u
  LEFT JOIN payment p ON p.community_id = :c AND p.id = CAST(:payment AS bigint)
  LEFT JOIN LATERAL (
    SELECT (array_agg(b.payer_id ORDER BY b.due_on, b.id))[1] AS payer_id,
      jsonb_agg(jsonb_build_array(b.month, b.id, a.amount_fen, b.gross_fen, b.subsidy_fen,
        b.open_fen) ORDER BY b.due_on, b.id) AS lines
      FROM allocation a JOIN bill b ON b.community_id = a.community_id AND b.id = a.bill_id
     WHERE a.community_id = :c AND a.settlement_id = :settlement) bills ON true
  LEFT JOIN LATERAL (
    SELECT o.person_id FROM ownership o WHERE o.community_id = :c AND o.unit_id = :unit
       AND o.starts_on <= :day AND (o.ends_on IS NULL OR o.ends_on > :day)
     ORDER BY o.share_numerator::numeric / o.share_denominator DESC, o.person_id LIMIT 1
  ) owner ON true
  LEFT JOIN person ON person.community_id = :c
    AND person.id = COALESCE(CAST(:payer AS bigint), p.payer_id, bills.payer_id, owner.person_id)
WHERE u.community_id = :c AND u.id = :unit
""")


def issue(made: Settlement, payer_id: int | None) -> None:
    """Issue the receipt of money just laid, with the bills as they stand now."""
    facts = db.session.execute(
        _FACTS,
        {
            "c": made.community_id,
            "unit": made.unit_id,
            "settlement": made.id,
            "payment": made.payment_id,
            "payer": payer_id,
            "day": made.received_on,
        },
    ).one()
    service.issue(
        made.community_id,
        Received(
            settlement_id=made.id,
            unit_id=made.unit_id,
            unit_label=facts.label,
            amount_fen=made.amount_fen,
            credit_fen=made.credit_fen,
            lines=[_paid(line) for line in facts.lines],
            means=facts.means or made.means,
            channel=facts.channel or rules.CHANNEL_OF.get(made.means, "counter"),
            received_on=made.received_on,
            payment_id=made.payment_id,
            payer_id=facts.payer_id,
            payer_name=facts.payer_name or facts.person_name or "",
            reference=facts.reference,
        ),
    )


def _paid(line: list[Any]) -> Paid:
    return Paid(date.fromisoformat(line[0]), *line[1:])
