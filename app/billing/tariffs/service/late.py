"""What a contract says on late payment (违约金): nothing, unless it is written here (C7)."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy import select

from app.billing.models import LateTerms
from app.billing.tariffs.rules import LATE_RATE_LIMIT, plain
from app.billing.tariffs.service import found
from app.kernel import audit
from app.kernel.db import db
from app.kernel.errors import N_, Conflict, NotFound, RuleBroken


def set_late_terms(
    community_id: int,
    *,
    daily_rate: Decimal,
    grace_days: int,
    starts_on: date,
    document_no: str,
) -> LateTerms:
    """Write down a contract's late damages from a day on; terms in force end the day before.

    `daily_rate` is a fraction of the sum a day (0.0005: 0.05 %). Raises RuleBroken without
    the contract's number, or beyond 0.3 % a day, which no court has let stand.
    Source: RULES C7; Civil Code 585.
    """
    document = found.require_document(
        document_no, N_("只有合同约定了才能收违约金；请写明合同编号和条款。")
    )
    if not 0 < daily_rate <= LATE_RATE_LIMIT or daily_rate != daily_rate.quantize(
        Decimal("0.000001")
    ):
        raise RuleBroken(
            "late.rate", N_("日费率应大于 0、不超过每日千分之三，最多六位小数。"),
            field="daily_rate",
        )  # fmt: skip
    if not 0 <= grace_days <= 365:
        raise RuleBroken("late.grace", N_("宽限天数应在 0 到 365 之间。"), field="grace_days")
    for row in _all(community_id):
        if row.starts_on >= starts_on:
            raise Conflict(
                "late.later", N_("%(day)s 起已有约定，请选更晚的日子。"), field="starts_on",
                day=row.starts_on,
            )  # fmt: skip
        if row.ends_on is None or row.ends_on > starts_on:
            row.ends_on = starts_on
    db.session.flush()
    terms = LateTerms(
        community_id=community_id,
        daily_rate=daily_rate,
        grace_days=grace_days,
        starts_on=starts_on,
        document_no=document,
    )
    db.session.add(terms)
    db.session.flush()
    audit.record(
        "late_terms:set",
        f"late_terms:{terms.id}",
        community_id=community_id,
        after={
            "daily_rate": plain(daily_rate),
            "grace_days": grace_days,
            "starts_on": starts_on,
            "document_no": document,
        },
    )
    return terms


def end_late_terms(community_id: int, terms_id: int, last_day: date) -> LateTerms:
    """Stop charging late damages after a day; terms that never began are struck out."""
    row = db.session.get(LateTerms, (community_id, terms_id), with_for_update=True)
    if row is None:
        raise NotFound("late.none", N_("没有这条约定。"))
    if row.ends_on is not None and last_day >= row.ends_on:
        raise Conflict("late.ended", N_("这条约定已经终止。"), field="last_day")
    if last_day < row.starts_on:
        db.session.delete(row)
    else:
        row.ends_on = last_day + timedelta(days=1)
    audit.record(
        "late_terms:end",
        f"late_terms:{row.id}",
        community_id=community_id,
        after={"last_day": last_day},
    )
    return row


def _all(community_id: int) -> list[LateTerms]:
    return list(
        db.session.scalars(
            select(LateTerms)
            .where(LateTerms.community_id == community_id)
            .with_for_update()
            .order_by(LateTerms.starts_on)
        )
    )
