"""What the daily check found, kept: each day's result, each difference until explained or gone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert

from app.kernel import audit, clock
from app.kernel.db import db
from app.kernel.errors import N_, Conflict, NotFound, RuleBroken
from app.kernel.money import Fen
from app.payments.bank.checking import KIND_WORDS, Difference
from app.payments.bank.models import CheckDay, CheckDifference

_KEEP = text("""
INSERT INTO check_difference AS d (community_id, book, subject, kind, day, amount_fen, found_at)
SELECT :c, :book, x.subject, x.kind, x.day, x.fen, :now
  FROM unnest(CAST(:subjects AS text[]), CAST(:kinds AS text[]), CAST(:days AS date[]),
    CAST(:sums AS bigint[])) AS x (subject, kind, day, fen)
ON CONFLICT (community_id, subject) DO UPDATE SET
  found_at = CASE WHEN d.gone_at IS NULL THEN d.found_at ELSE excluded.found_at END,
  reason = CASE WHEN (d.kind, d.amount_fen) = (excluded.kind, excluded.amount_fen)
    THEN d.reason ELSE '' END,
  explained_at = CASE WHEN (d.kind, d.amount_fen) = (excluded.kind, excluded.amount_fen)
    THEN d.explained_at END,
  explained_by = CASE WHEN (d.kind, d.amount_fen) = (excluded.kind, excluded.amount_fen)
    THEN d.explained_by END,
  kind = excluded.kind, day = excluded.day, amount_fen = excluded.amount_fen, gone_at = NULL
WHERE (d.kind, d.day, d.amount_fen) IS DISTINCT FROM
  (excluded.kind, excluded.day, excluded.amount_fen) OR d.gone_at IS NOT NULL
""")

_GONE = text("""
UPDATE check_difference SET gone_at = :now
 WHERE community_id = :c AND book = :book AND gone_at IS NULL
   AND NOT (subject = ANY (CAST(:subjects AS text[])))
""")


def keep_day(
    community_id: int,
    book: str,
    day: date,
    found: Sequence[Difference],
    figures: Mapping[str, Fen],
) -> CheckDay:
    """List what is new, take off what agrees now, write the day's result; again is harmless.

    An explanation holds as long as kind and sum of a difference stay the same.
    """
    here = {
        "c": community_id,
        "book": book,
        "now": clock.now(),
        "subjects": [one.subject for one in found],
        "kinds": [one.kind for one in found],
        "days": [one.on for one in found],
        "sums": [one.amount_fen for one in found],
    }
    db.session.execute(_KEEP, here)
    db.session.execute(_GONE, here)
    made = insert(CheckDay).values(
        community_id=community_id,
        book=book,
        day=day,
        figures=dict(figures),
        found_count=len(found),
        checked_at=clock.now(),
    )
    row = db.session.execute(
        made.on_conflict_do_update(
            index_elements=["community_id", "book", "day"],
            set_={
                "figures": made.excluded.figures,
                "found_count": made.excluded.found_count,
                "checked_at": made.excluded.checked_at,
            },
        ).returning(CheckDay.id)
    ).scalar_one()
    db.session.expire_all()
    audit.record(
        "bank:checked",
        f"check_day:{row}",
        community_id=community_id,
        after={"book": book, "day": day, "differences": len(found)},
    )
    return db.session.get_one(CheckDay, (community_id, row))


def lock_difference(community_id: int, difference_id: int, reason: str) -> CheckDifference:
    """A difference that may be explained now, held. Raises NotFound, RuleBroken, Conflict."""
    one = db.session.get(
        CheckDifference, (community_id, difference_id), with_for_update=True, populate_existing=True
    )
    if one is None:
        raise NotFound("bank.no_difference", N_("没有这项差异。"))
    if not reason.strip():
        raise RuleBroken("bank.reason", N_("请写明原因。"), field="reason")
    if one.explained_at is not None or one.gone_at is not None:
        raise Conflict("bank.difference_closed", N_("这项差异已经说明或已经消除。"))
    return one


def mark_explained(one: CheckDifference, reason: str) -> None:
    """Write down why two sides differ; audited."""
    one.reason, one.explained_by = reason.strip()[:200], audit.actor().account_id
    one.explained_at = clock.now()
    db.session.flush()
    audit.record(
        "bank:difference_explained",
        f"check_difference:{one.id}",
        community_id=one.community_id,
        after={"kind": KIND_WORDS[one.kind], "reason": one.reason, "source": one.subject},
    )
