"""The trial balance of a month, and the statement of one account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import render_template, request
from flask_babel import gettext

from app.kernel.errors import N_, NotFound
from app.ledger import queries
from app.ledger.chart import BY_KEY, KINDS
from app.ledger.pages.common import book_title, month_asked, pages, steps, tabs
from app.ledger.queries import TrialRow
from app.ledger.words import kind_titles
from app.web import sheets
from app.web.door import needs
from app.web.lists import Column, Filter, Listing

_TRIAL_COLUMNS: Any = (
    Column("code", N_("科目代码")),
    Column("name", N_("科目")),
    Column("kind", N_("类别"), words=KINDS),
    Column("opening_debit_fen", N_("期初借方"), kind="money"),
    Column("opening_credit_fen", N_("期初贷方"), kind="money"),
    Column("debit_fen", N_("本期借方"), kind="money"),
    Column("credit_fen", N_("本期贷方"), kind="money"),
    Column("closing_debit_fen", N_("期末借方"), kind="money"),
    Column("closing_credit_fen", N_("期末贷方"), kind="money"),
)
SUMMED = tuple(column.key for column in _TRIAL_COLUMNS if column.kind == "money")


@dataclass(frozen=True)
class _SheetRow:
    """A row of the trial balance with its account's words spread out."""

    code: str
    name: str
    kind: str
    row: TrialRow

    def __getattr__(self, name: str) -> Any:
        return getattr(self.row, name)


@pages.get("/c/<int:community_id>/ledger/<book>/trial-balance")
@needs("ledger.read")
def trial_balance(community_id: int, book: str) -> Any:
    """Opening, movement and closing of every account in a month; also as a sheet."""
    title = book_title(book)
    trial = queries.trial_balance(community_id, book, month_asked())
    form = request.args.get("format")
    if form in sheets.WRITERS:
        rows = [
            _SheetRow(one.account.code, gettext(one.account.name), one.account.kind, one)
            for one in trial.rows
        ]
        return sheets.answer(f"trial-balance-{book}-{trial.month}", _TRIAL_COLUMNS, rows, form)
    return render_template(
        "ledger/trial_balance.html",
        book=book,
        title=title,
        trial=trial,
        summed=SUMMED,
        steps=steps(community_id),
        tabs=tabs(community_id, book),
    )


def _as_it_is(rows: Any, _value: Any) -> Any:
    return rows  # the months narrow the statement itself, so that its opening balance is right


def _statement_columns() -> tuple[Column, ...]:
    order = queries.statement_order()
    return (
        Column("entry_id", N_("凭证号"), order),
        Column("posted_on", N_("日期"), kind="date"),
        Column("month", N_("所属月份"), kind="month"),
        Column("kind", N_("事项"), words=kind_titles()),
        Column("source", N_("来源"), shown=False),
        Column("memo", N_("摘要")),
        Column("unit_label", N_("房号")),
        Column("debit_fen", N_("借方"), kind="money"),
        Column("credit_fen", N_("贷方"), kind="money"),
        Column("balance_fen", N_("余额"), kind="money"),
    )


STATEMENT = Listing(
    "account-statement",
    columns=_statement_columns(),
    default_sort="entry_id",
    tiebreak=queries.statement_order(),
    filters=(
        Filter("start", N_("起始月份"), _as_it_is, kind="month"),
        Filter("end", N_("截止月份"), _as_it_is, kind="month"),
    ),
)


@pages.get("/c/<int:community_id>/ledger/<book>/accounts/<code>")
@needs("ledger.read")
def account(community_id: int, book: str, code: str) -> Any:
    """An account's entries with the balance after each; also as a sheet."""
    title = book_title(book)
    known = BY_KEY.get((book, code))
    if known is None:
        raise NotFound("ledger.no_account_page", N_("没有这个科目。"))
    asked = STATEMENT.asked().filters
    start, end = asked.get("start"), asked.get("end")
    opening = queries.opening_fen(community_id, book, code, start) if start else 0
    rows = queries.account_statement(
        community_id, book, code, start=start, end=end, opening_fen=opening
    )
    return STATEMENT.answer(
        rows,
        "ledger/account.html",
        book=book,
        account=known,
        start=start,
        opening_fen=opening,
        balance_fen=None if start else queries.balances(community_id, book, [code])[code],
        steps=steps(community_id, book),
        title=title,
    )
