"""Settlements' receipts: what billing knows of them, handed to the room that issues them."""

from __future__ import annotations

from collections.abc import Sequence
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
  p.payer_name, who.id AS payer_id, person.name AS person_name,
  COALESCE(bills.lines, '[]'::jsonb) AS lines
FROM unnest(CAST(:settlements AS bigint[]), CAST(:units AS bigint[]),
    CAST(:payments AS bigint[]), CAST(:payers AS bigint[]), CAST(:days AS date[]))
    WITH ORDINALITY AS x (settlement, unit, payment, payer, day, no)
  JOIN unit u ON u.community_id = :c AND u.id = x.unit
  LEFT JOIN payment p ON p.community_id = :c AND p.id = x.payment
  LEFT JOIN LATERAL (
    SELECT (array_agg(b.payer_id ORDER BY b.due_on, b.id))[1] AS payer_id,
      jsonb_agg(jsonb_build_array(b.month, b.id, a.amount_fen, b.gross_fen, b.subsidy_fen,
        b.open_fen) ORDER BY b.due_on, b.id) AS lines
      FROM allocation a JOIN bill b ON b.community_id = a.community_id AND b.id = a.bill_id
     WHERE a.community_id = :c AND a.settlement_id = x.settlement) bills ON true
  LEFT JOIN LATERAL (
    SELECT o.person_id FROM ownership o WHERE o.community_id = :c AND o.unit_id = x.unit
       AND o.starts_on <= x.day AND (o.ends_on IS NULL OR o.ends_on > x.day)
     ORDER BY o.share_numerator::numeric / o.share_denominator DESC, o.person_id LIMIT 1
  ) owner ON true
  LEFT JOIN LATERAL (
    SELECT COALESCE(x.payer, p.payer_id, bills.payer_id, owner.person_id) AS id) who ON true
  LEFT JOIN person ON person.community_id = :c AND person.id = who.id
ORDER BY x.no
""")


def issue(community_id: int, made: Sequence[tuple[Settlement, int | None]]) -> None:
    """Issue the receipts of money just laid, each with its payer where one was named."""
    facts = db.session.execute(
        _FACTS,
        {
            "c": community_id,
            "settlements": [one.id for one, _ in made],
            "units": [one.unit_id for one, _ in made],
            "payments": [one.payment_id for one, _ in made],
            "payers": [payer_id for _, payer_id in made],
            "days": [one.received_on for one, _ in made],
        },
    ).all()
    service.issue(
        community_id, [_received(one, row) for (one, _), row in zip(made, facts, strict=True)]
    )


def _received(made: Settlement, facts: Any) -> Received:
    return Received(
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
    )


def _paid(line: list[Any]) -> Paid:
    return Paid(date.fromisoformat(line[0]), *line[1:])
