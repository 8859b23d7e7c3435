"""The queue of bank lines, and sure proposals confirmed together."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext, ngettext

from app.billing.bank import service
from app.billing.bank.pages.common import AT, may, pages, reasons, words
from app.kernel import queue
from app.kernel.db import db
from app.kernel.errors import N_, HouseError
from app.payments.bank import listing, rules
from app.web.door import needs
from app.web.navigation import BOOKS as SECTION
from app.web.navigation import NavItem, register

MOST_TOGETHER = 100


@pages.get(AT)
@needs("bank.read")
def lines(community_id: int) -> Any:
    """Lines of all accounts, those that wait first of all."""
    tab = request.args.get("tab", "waiting")
    tab = tab if tab in (*listing.STATUS_WORDS, "waiting", "all") else "waiting"
    counts = listing.counts(community_id)
    return (listing.LINES if may("roster.people") else listing.MASKED).answer(
        listing.rows(community_id, tab),
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
    rows = listing.together(community_id, rules.TOGETHER, MOST_TOGETHER)
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
