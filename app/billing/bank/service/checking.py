"""The daily check of gateway, bank and books; its differences are listed until explained."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert

from app.billing.bank import checks, rules
from app.billing.bank.service import matching
from app.kernel import audit, clock
from app.kernel.db import db
from app.kernel.errors import N_, Conflict, NotFound, RuleBroken
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


def check_day(community_id: int, day: date | None = None) -> list[CheckDay]:
    """Compare all books as they stood at the end of a day, yesterday unless given.

    Writes each book's result of the day, lists what is new, and takes off what agrees now.
    An explanation holds as long as kind and sum of a difference stay the same.
    """
    wanted = day or clock.today() - timedelta(days=1)
    return [_check_book(community_id, book, wanted) for book in checks.books(community_id)]


def _check_book(community_id: int, book: str, day: date) -> CheckDay:
    found = checks.differences(community_id, book, day)
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
    figures = checks.figures(community_id, book, day)
    made = insert(CheckDay).values(
        community_id=community_id,
        book=book,
        day=day,
        figures=figures,
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


def explain_difference(community_id: int, difference_id: int, reason: str) -> CheckDifference:
    """Say why two sides differ; of a bank line, the line is explained with it.

    Raises NotFound, RuleBroken without a reason, Conflict when it is explained or gone.
    """
    one = db.session.get(
        CheckDifference, (community_id, difference_id), with_for_update=True, populate_existing=True
    )
    if one is None:
        raise NotFound("bank.no_difference", N_("没有这项差异。"))
    if not reason.strip():
        raise RuleBroken("bank.reason", N_("请写明原因。"), field="reason")
    if one.explained_at is not None or one.gone_at is not None:
        raise Conflict("bank.difference_closed", N_("这项差异已经说明或已经消除。"))
    side, _, number = one.subject.partition(":")
    if side == "line":
        matching.explain(community_id, int(number), reason)
    one.reason, one.explained_by = reason.strip()[:200], audit.actor().account_id
    one.explained_at = clock.now()
    db.session.flush()
    audit.record(
        "bank:difference_explained",
        f"check_difference:{one.id}",
        community_id=community_id,
        after={"kind": rules.KIND_WORDS[one.kind], "reason": one.reason, "source": one.subject},
    )
    return one
