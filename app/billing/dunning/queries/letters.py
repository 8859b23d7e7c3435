"""Runs of letters, a case's timeline, pauses and objections."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from app.billing.dunning.rows import Happening, LetterRow, ObjectionRow, PauseRow, RunRow
from app.kernel.db import db
from app.kernel.errors import N_, NotFound
from app.kernel.money import Fen
from app.kernel.period import Month

_RUNS = """
SELECT r.id, r.made_on, r.letter_count, r.open_fen, r.task_id, r.file_id, r.fetched_at,
  r.undone_at, count(l.id) FILTER (WHERE l.status = 'made') AS waiting,
  count(l.id) FILTER (WHERE l.status = 'delivered') AS delivered
FROM dunning_run r LEFT JOIN dunning_letter l
  ON l.community_id = r.community_id AND l.run_id = r.id
WHERE r.community_id = :c AND (CAST(:run AS bigint) IS NULL OR r.id = :run)
GROUP BY r.community_id, r.id ORDER BY r.id DESC LIMIT 200
"""
_LETTERS = """
SELECT l.id, l.run_id, l.case_id, c.unit_id, u.label AS unit_label, p.name AS payer_name,
  l.number, l.stage_no, l.stage_kind, l.signer, l.made_on, l.answer_days, l.open_fen, l.status,
  l.delivered_on, l.delivered_how
FROM dunning_letter l
  JOIN dunning_case c ON c.community_id = l.community_id AND c.id = l.case_id
  JOIN unit u ON u.community_id = c.community_id AND u.id = c.unit_id
  LEFT JOIN person p ON p.community_id = c.community_id AND p.id = c.payer_id
WHERE l.community_id = :c AND (CAST(:run AS bigint) IS NULL OR l.run_id = :run)
  AND (CAST(:case AS bigint) IS NULL OR l.case_id = :case)
ORDER BY u.sort_key, l.id
"""
_TIMELINE = """
SELECT * FROM (
  SELECT a.happened_on AS "on", a.created_at AS at, a.kind, a.said, a.done, s.kind AS stage_kind,
    a.created_by AS who, NULL::bigint AS amount_fen, NULL::date AS until_on
    FROM dunning_act a LEFT JOIN dunning_stage s
      ON s.community_id = a.community_id AND s.no = a.stage_no
   WHERE a.community_id = :c AND a.case_id = :case
  UNION ALL
  SELECT COALESCE(l.delivered_on, l.made_on), l.created_at, 'letter_' || l.status, '', l.number,
    l.stage_kind, NULL, l.open_fen, l.delivered_on + l.answer_days::int
    FROM dunning_letter l WHERE l.community_id = :c AND l.case_id = :case
  UNION ALL
  SELECT p.starts_on, p.created_at, 'paused', '', p.words, NULL, p.granted_by, NULL, p.until_on
    FROM dunning_pause p WHERE p.community_id = :c AND p.case_id = :case
  UNION ALL
  SELECT p.ended_on, p.created_at + interval '1 second', 'resumed', '', '', NULL, NULL, NULL, NULL
    FROM dunning_pause p WHERE p.community_id = :c AND p.case_id = :case AND p.ended_on IS NOT NULL
  UNION ALL
  SELECT o.made_on, o.created_at, o.kind, o.words, '', NULL, o.made_by, NULL, NULL
    FROM dunning_objection o WHERE o.community_id = :c AND o.case_id = :case
  UNION ALL
  SELECT o.answered_on, o.created_at + interval '1 second', 'answer', '', o.answer, NULL,
    o.answered_by, NULL, NULL
    FROM dunning_objection o WHERE o.community_id = :c AND o.case_id = :case
     AND o.answered_on IS NOT NULL
  UNION ALL
  SELECT p.made_on, p.created_at, 'promise', p.words, '', NULL, p.created_by, p.amount_fen, p.pay_on
    FROM dunning_promise p WHERE p.community_id = :c AND p.case_id = :case
  UNION ALL
  SELECT p.signed_on, p.created_at, 'plan', '', p.number, NULL, p.created_by, p.total_fen, NULL
    FROM instalment_plan p WHERE p.community_id = :c AND p.case_id = :case
     AND p.signed_on IS NOT NULL
) x ORDER BY "on" DESC, at DESC LIMIT 200
"""
_OBJECTIONS = """
SELECT o.id, o.case_id, c.unit_id, u.label AS unit_label, p.name AS payer_name, o.kind, o.words,
  o.made_on, o.answer, o.answered_on
FROM dunning_objection o
  JOIN dunning_case c ON c.community_id = o.community_id AND c.id = o.case_id
  JOIN unit u ON u.community_id = c.community_id AND u.id = c.unit_id
  LEFT JOIN person p ON p.community_id = c.community_id AND p.id = c.payer_id
WHERE o.community_id = :c AND (CAST(:case AS bigint) IS NULL OR o.case_id = :case)
  AND (NOT :open OR o.answered_on IS NULL)
ORDER BY o.made_on, o.id
"""


def runs(community_id: int) -> list[RunRow]:
    """Batches of letters, the newest first."""
    rows = db.session.execute(text(_RUNS), {"c": community_id, "run": None})
    return [RunRow(**row._mapping) for row in rows]


def run(community_id: int, run_id: int) -> RunRow:
    """One batch. Raises NotFound."""
    row = db.session.execute(text(_RUNS), {"c": community_id, "run": run_id}).one_or_none()
    if row is None:
        raise NotFound("dunning.no_run", N_("没有这批催告函。"))
    return RunRow(**row._mapping)


def letters(
    community_id: int, *, run_id: int | None = None, case_id: int | None = None
) -> list[LetterRow]:
    """Letters of a batch or a case, by room."""
    rows = db.session.execute(text(_LETTERS), {"c": community_id, "run": run_id, "case": case_id})
    return [LetterRow(**row._mapping) for row in rows]


def letter_bills(community_id: int, run_id: int) -> dict[int, list[tuple[int, Month, Any, Fen]]]:
    """Of each letter of a batch its bills: id, month, due day, what was open."""
    rows = db.session.execute(
        text(
            "SELECT x.letter_id, b.id, b.month, b.due_on, x.open_fen FROM dunning_letter l"
            " JOIN dunning_letter_bill x ON x.community_id = l.community_id AND x.letter_id = l.id"
            " JOIN bill b ON b.community_id = x.community_id AND b.id = x.bill_id"
            " WHERE l.community_id = :c AND l.run_id = :run ORDER BY b.due_on, b.id"
        ),
        {"c": community_id, "run": run_id},
    )
    found: dict[int, list[tuple[int, Month, Any, Fen]]] = {}
    for row in rows:
        found.setdefault(row.letter_id, []).append(
            (row.id, Month.of(row.month), row.due_on, row.open_fen)
        )
    return found


def timeline(community_id: int, case_id: int) -> list[Happening]:
    """All that happened in a case, the newest first."""
    rows = db.session.execute(text(_TIMELINE), {"c": community_id, "case": case_id})
    return [Happening(**row._mapping) for row in rows]


def pauses(community_id: int, case_id: int) -> list[PauseRow]:
    """A case's pauses, the newest first."""
    rows = db.session.execute(
        text(
            "SELECT id, reason, words, starts_on, until_on, ended_on, granted_by"
            " FROM dunning_pause WHERE community_id = :c AND case_id = :case ORDER BY id DESC"
        ),
        {"c": community_id, "case": case_id},
    )
    return [PauseRow(**row._mapping) for row in rows]


def objections(
    community_id: int, *, case_id: int | None = None, only_open: bool = False
) -> list[ObjectionRow]:
    """Objections and requests, the oldest first."""
    rows = db.session.execute(
        text(_OBJECTIONS), {"c": community_id, "case": case_id, "open": only_open}
    )
    return [ObjectionRow(**row._mapping) for row in rows]
