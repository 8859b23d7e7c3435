"""The lists of lines and differences: their columns, filters and search."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Integer, Select, cast, func, literal, select

from app.kernel import clock
from app.kernel.db import db
from app.kernel.errors import N_
from app.payments.bank import checking, queries
from app.payments.bank.models import BankAccount, BankLine, CheckDifference
from app.web.lists import Column, Filter, Listing

WAITING = ("unmatched", "proposed")
STATUS_WORDS = {
    "unmatched": N_("待认领"),
    "proposed": N_("有建议"),
    "matched": N_("已认领"),
    "explained": N_("已说明"),
}
WAYS = {"in": N_("收入"), "out": N_("支出")}

LINES = Listing(
    "bank-lines",
    columns=(
        Column("booked_on", N_("日期"), BankLine.booked_on, "date"),
        Column("amount_fen", N_("金额"), BankLine.amount_fen, "money"),
        Column("counterparty", N_("对方"), BankLine.counterparty),
        Column("remark", N_("备注")),
        Column("account", N_("账户")),
        Column("reference", N_("流水号"), shown=False),
        Column("age_days", N_("等待天数"), kind="number"),
        Column("status", N_("状态"), BankLine.status, words=STATUS_WORDS),
        Column("score", N_("建议分"), BankLine.score, "number", shown=False),
        Column("reason", N_("原因"), shown=False),
    ),
    default_sort="-booked_on",
    tiebreak=BankLine.id.desc(),
    filters=(
        Filter(
            "way",
            N_("方向"),
            lambda rows, code: rows.where(
                BankLine.amount_fen > 0 if code == "in" else BankLine.amount_fen < 0
            ),
            choices=WAYS,
        ),
        Filter(
            "month",
            N_("月份"),
            lambda rows, month: rows.where(
                BankLine.booked_on >= month.first, BankLine.booked_on <= month.last
            ),
            kind="month",
        ),
        Filter(
            "older",
            N_("等待"),
            lambda rows, code: rows.where(
                BankLine.booked_on <= clock.today() - timedelta(days=int(code)),
                BankLine.status.in_(WAITING),
            ),
            choices={"7": N_("7 天以上"), "30": N_("30 天以上")},
        ),
    ),
    search=lambda rows, word: rows.where(
        BankLine.counterparty.contains(word, autoescape=True)
        | BankLine.remark.contains(word, autoescape=True)
        | BankLine.reference.startswith(word, autoescape=True)
    ),
    search_label=N_("对方、备注或流水号"),
)
# For the committee and the supervisor: sums and states, no names.
MASKED = replace(
    LINES,
    columns=tuple(one for one in LINES.columns if one.key not in ("counterparty", "remark")),
    search=None,
)

DIFFERENCES = Listing(
    "differences",
    columns=(
        Column("day", N_("日期"), CheckDifference.day, "date"),
        Column("kind", N_("差异"), CheckDifference.kind, words=checking.KIND_WORDS),
        Column("side", N_("对象"), words=checking.SIDE_WORDS),
        Column("number", N_("编号")),
        Column("amount_fen", N_("相差"), CheckDifference.amount_fen, "money"),
        Column("found_at", N_("发现时间"), CheckDifference.found_at, "instant"),
        Column("reason", N_("原因")),
    ),
    default_sort="-day",
    tiebreak=CheckDifference.id.desc(),
    filters=(
        Filter(
            "kind",
            N_("差异"),
            lambda rows, code: rows.where(CheckDifference.kind == code),
            choices=checking.KIND_WORDS,
        ),
        Filter(
            "state",
            N_("是否说明"),
            lambda rows, code: rows.where(
                CheckDifference.explained_at.is_(None)
                if code == "open"
                else CheckDifference.explained_at.is_not(None)
            ),
            choices={"open": N_("待说明"), "explained": N_("已说明")},
        ),
    ),
)


def rows(community_id: int, tab: str) -> Select[Any]:
    """Lines of a tab: `waiting`, `all` or a status."""
    found = queries.lines(community_id).add_columns(
        cast(literal(clock.today()) - BankLine.booked_on, Integer).label("age_days")
    )
    if tab == "waiting":
        return found.where(BankLine.status.in_(WAITING))
    return found if tab == "all" else found.where(BankLine.status == tab)


def together(community_id: int, least: int, most: int) -> list[Any]:
    """Lines whose proposals may be confirmed together, the surest first."""
    return list(
        db.session.execute(
            queries.lines(community_id)
            .where(BankLine.status == "proposed", BankLine.score >= least)
            .where(BankLine.proposal["together"].as_boolean().is_(True))
            .order_by(BankLine.score.desc(), BankLine.id)
            .limit(most)
        ).all()
    )


def counts(community_id: int) -> dict[str, int]:
    """How many lines stand how, and how many accounts there are."""
    row = db.session.execute(
        select(
            *(func.count().filter(BankLine.status == code).label(code) for code in STATUS_WORDS),
            func.count().filter(BankLine.status.in_(WAITING)).label("waiting"),
            func.count()
            .filter(
                (BankLine.status == "proposed")
                & (BankLine.proposal["together"].as_boolean().is_(True))
            )
            .label("together"),
            func.count().label("all"),
            select(func.count())
            .select_from(BankAccount)
            .where(BankAccount.community_id == community_id)
            .scalar_subquery()
            .label("accounts"),
        ).where(BankLine.community_id == community_id)
    ).one()
    return {key: int(value) for key, value in row._mapping.items()}
