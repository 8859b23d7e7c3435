"""The queue of bank lines, and sure proposals confirmed together."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext, ngettext
from sqlalchemy import Integer, cast, func, literal, select

from app.billing.bank import service
from app.billing.bank.pages.common import AT, STATUS_WORDS, may, pages, reasons, words
from app.kernel import clock, queue
from app.kernel.db import db
from app.kernel.errors import N_, HouseError
from app.payments.bank import queries, rules
from app.payments.bank.models import BankAccount, BankLine
from app.web.door import needs
from app.web.lists import Column, Filter, Listing
from app.web.navigation import BOOKS as SECTION
from app.web.navigation import NavItem, register

MOST_TOGETHER = 100
WAITING = ("unmatched", "proposed")
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
        Column("reason", N_("说明"), shown=False),
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
                BankLine.booked_on <= clock.today() - _days(int(code)),
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


def _days(count: int) -> Any:
    from datetime import timedelta

    return timedelta(days=count)


@pages.get(AT)
@needs("bank.read")
def lines(community_id: int) -> Any:
    """Lines of all accounts, those that wait first of all."""
    tab = request.args.get("tab", "waiting")
    tab = tab if tab in (*STATUS_WORDS, "all") else "waiting"
    rows = queries.lines(community_id).add_columns(
        cast(literal(clock.today()) - BankLine.booked_on, Integer).label("age_days")
    )
    if tab == "waiting":
        rows = rows.where(BankLine.status.in_(WAITING))
    elif tab != "all":
        rows = rows.where(BankLine.status == tab)
    counts = _counts(community_id)
    return (LINES if may("roster.people") else MASKED).answer(
        rows,
        "matching/lines.html",
        entries=_tabs(community_id, tab, counts),
        together=counts["together"],
        any_lines=counts["all"],
        any_accounts=counts["accounts"],
        may_match=may("bank.match"),
        may_import=may("bank.import"),
        reasons=reasons,
        **words(),
    )


def _counts(community_id: int) -> dict[str, int]:
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


def _tabs(community_id: int, current: str, counts: dict[str, int]) -> list[tuple[str, str, bool]]:
    names = {
        "waiting": gettext("等待处理"),
        "matched": gettext("已认领"),
        "explained": gettext("已说明"),
        "all": gettext("全部"),
    }
    return [
        (
            f"{title} {counts[code]:,}",
            url_for("matching.lines", community_id=community_id, tab=code),
            code == current,
        )
        for code, title in names.items()
    ]


@pages.route(f"{AT}/together", methods=["GET", "POST"])
@needs("bank.match")
def together(community_id: int) -> Any:
    """Confirm many sure proposals at once; each stands or falls by itself."""
    if request.method == "POST":
        return _confirm_together(community_id)
    rows = db.session.execute(
        queries.lines(community_id)
        .where(BankLine.status == "proposed", BankLine.score >= rules.TOGETHER)
        .where(BankLine.proposal["together"].as_boolean().is_(True))
        .order_by(BankLine.score.desc(), BankLine.id)
        .limit(MOST_TOGETHER)
    ).all()
    return render_template(
        "matching/together.html",
        rows=rows,
        total_fen=sum(row.amount_fen for row in rows),
        least=rules.TOGETHER,
        reasons=reasons,
        **words(),
    )


def _confirm_together(community_id: int) -> Any:
    done, refused = 0, 0
    for text in request.form.getlist("line")[:MOST_TOGETHER]:
        if not text.isdigit() or len(text) > 18:
            continue
        try:
            with db.session.begin_nested():
                service.confirm_best(community_id, int(text), together=True)
            done += 1
        except HouseError:
            refused += 1
    if done:
        flash(ngettext("已确认 %(num)s 笔。", "已确认 %(num)s 笔。", done))
    if refused:
        flash(
            ngettext(
                "%(num)s 笔有了变化，没有入账，请逐笔核对。",
                "%(num)s 笔有了变化，没有入账，请逐笔核对。",
                refused,
            ),
            "warning",
        )
        queue.enqueue("billing:propose-matches", community_id)
    if not done and not refused:
        flash(gettext("没有选中任何流水。"), "warning")
    return redirect(url_for("matching.lines", community_id=community_id), 303)


@pages.post(f"{AT}/propose")
@needs("bank.match")
def propose(community_id: int) -> Any:
    """Compute the proposals anew, later in a job."""
    queue.enqueue("billing:propose-matches", community_id)
    flash(gettext("正在重新比对，稍后刷新页面看结果。"))
    return redirect(url_for("matching.lines", community_id=community_id), 303)


register(NavItem(SECTION, "matching.lines", N_("银行对账"), "wallet", "bank.read", 40))
