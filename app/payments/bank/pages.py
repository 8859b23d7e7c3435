"""Pages of accounts and statement files: register, upload, look, bring in, name the columns."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext

from app.kernel import clock
from app.kernel.db import db
from app.kernel.errors import N_, HouseError
from app.ledger.chart import BOOKS
from app.payments.bank import queries, service
from app.payments.bank.models import StatementFile
from app.payments.bank.schemas import (
    ACCOUNT_WORDS,
    DECIMAL_WORDS,
    FIELD_WORDS,
    ORDER_WORDS,
    NewAccount,
    NewFile,
)
from app.payments.bank.service.files import APPLY, READ
from app.payments.statements import headings
from app.payments.statements.lines import SOURCE_WORDS, StatementError
from app.payments.statements.mapping import Mapping
from app.web.door import needs
from app.web.errors import sentence
from app.web.forms import blank_form, read_form
from app.web.lists import Column, Listing
from app.web.reader import allowed_actions, place

pages = Blueprint("bank", __name__, template_folder="templates")

AT = "/c/<int:community_id>/bank"
FILE_WORDS = {
    "reading": N_("正在读取"),
    "columns": N_("待指明各列"),
    "ready": N_("待导入"),
    "refused": N_("没有受理"),
    "applying": N_("正在导入"),
    "applied": N_("已导入"),
}
FILES = Listing(
    "statements",
    columns=(
        Column("name", N_("文件名"), StatementFile.name),
        Column("account_name", N_("账户")),
        Column("status", N_("状态"), StatementFile.status, words=FILE_WORDS),
        Column("starts_on", N_("起"), StatementFile.starts_on, "date"),
        Column("ends_on", N_("止"), StatementFile.ends_on, "date"),
        Column("new_count", N_("新增"), StatementFile.new_count, "number"),
        Column("known_count", N_("已有"), StatementFile.known_count, "number"),
        Column("created_at", N_("上传时间"), StatementFile.created_at, "instant"),
    ),
    default_sort="-created_at",
    tiebreak=StatementFile.id.desc(),
)


@pages.get(f"{AT}/accounts")
@needs("bank.read")
def accounts(community_id: int) -> Any:
    """Accounts at banks and wallets."""
    return render_template(
        "bank/accounts.html",
        accounts=queries.accounts(community_id),
        BOOKS=BOOKS,
        ACCOUNT_WORDS=ACCOUNT_WORDS,
        SOURCE_WORDS=SOURCE_WORDS,
        may_import="bank.import" in allowed_actions(place()),
    )


@pages.route(f"{AT}/accounts/new", methods=["GET", "POST"])
@needs("bank.import")
def new_account(community_id: int) -> Any:
    """Register an account."""
    form = blank_form(
        NewAccount, kind="bank", book="service", checked_from=clock.today().replace(day=1)
    )
    if request.method == "POST":
        form = read_form(NewAccount)
        if form.ok:
            try:
                made = service.open_account(community_id, **form.values)
            except HouseError as error:
                form.take(error)
            else:
                flash(gettext("已登记账户“%(name)s”，可以导入对账单了。", name=made.name))
                return redirect(
                    url_for("bank.new_file", community_id=community_id, account=made.id), 303
                )
    return render_template("bank/new_account.html", form=form), 200 if form.ok else 422


@pages.route(f"{AT}/accounts/<int:account_id>/close", methods=["GET", "POST"])
@needs("bank.import")
def close_account(community_id: int, account_id: int) -> Any:
    """Stop taking an account's statements, after asking."""
    one = queries.account(community_id, account_id)
    if request.method == "POST":
        service.close_account(community_id, account_id)
        flash(gettext("账户“%(name)s”已停用。", name=one.name))
        return redirect(url_for("bank.accounts", community_id=community_id), 303)
    return render_template("bank/close_account.html", one=one)


@pages.get(f"{AT}/files")
@needs("bank.read")
def files(community_id: int) -> Any:
    """Statements brought in or on their way."""
    return FILES.answer(
        queries.files(community_id),
        "bank/files.html",
        may_import="bank.import" in allowed_actions(place()),
    )


@pages.route(f"{AT}/files/new", methods=["GET", "POST"])
@needs("bank.import")
def new_file(community_id: int) -> Any:
    """Upload a statement for an account."""
    open_accounts = [one for one in queries.accounts(community_id) if one.closed_at is None]
    chosen = request.args.get("account", type=int)
    if chosen is None and len(open_accounts) == 1:
        chosen = open_accounts[0].id
    form = blank_form(NewFile, account_id=chosen)
    if request.method == "POST":
        form = read_form(NewFile)
        if form.ok:
            try:
                made = service.receive(
                    community_id, form["account_id"], form["file"].filename, form["file"].read()
                )
            except HouseError as error:
                form.take(error)
            else:
                if made.status == "applied":
                    flash(gettext("这份文件已经导入过，没有新增。"), "warning")
                return redirect(_file_url(made), 303)
    page = render_template("bank/new_file.html", form=form, accounts=open_accounts)
    return page, 200 if form.ok else 422


@pages.get(f"{AT}/files/<int:file_id>")
@needs("bank.read")
def statement_file(community_id: int, file_id: int) -> Any:
    """One statement as it stands: being read, to be mapped, previewed, refused, brought in."""
    one = queries.statement_file(community_id, file_id)
    account = queries.account(community_id, one.account_id)
    if one.status in ("reading", "applying"):
        name = READ if one.status == "reading" else APPLY
        return render_template(
            "bank/file_progress.html",
            one=one,
            task=queries.task_of(community_id, name, one),
            url=request.path,
        )
    allowed = allowed_actions(place())
    return render_template(
        "bank/file.html",
        one=one,
        account=account,
        refusal=said(one.refusal, one.refusal_params),
        notices=[said(words, values) for words, values in one.notices],
        may_import="bank.import" in allowed,
        may_people="roster.people" in allowed,
        FILE_WORDS=FILE_WORDS,
        SOURCE_WORDS=SOURCE_WORDS,
    )


@pages.post(f"{AT}/files/<int:file_id>/apply")
@needs("bank.import")
def apply_file(community_id: int, file_id: int) -> Any:
    """Bring a previewed statement's lines in."""
    try:
        with db.session.begin_nested():
            service.ask_to_apply(community_id, file_id)
    except HouseError as error:
        flash(sentence(error), "error")
    return redirect(url_for("bank.statement_file", community_id=community_id, file_id=file_id), 303)


@pages.route(f"{AT}/files/<int:file_id>/columns", methods=["GET", "POST"])
@needs("bank.import")
def columns(community_id: int, file_id: int) -> Any:
    """Say which column is which; the account remembers it."""
    one = queries.statement_file(community_id, file_id)
    if one.columns is None or one.status not in ("columns", "ready", "refused"):
        return redirect(_file_url(one), 303)
    chosen = Mapping.from_json(one.mapping or one.columns["guess"])
    problem = ""
    if request.method == "POST":
        chosen = _chosen(one.columns["headers"])
        try:
            with db.session.begin_nested():
                service.choose_columns(community_id, file_id, chosen)
        except HouseError as error:
            problem = sentence(error)
        else:
            return redirect(_file_url(one), 303)
    page = render_template(
        "bank/columns.html",
        one=one,
        headers=one.columns["headers"],
        rows=one.columns["rows"][:8],
        chosen={at: key for key, at in chosen.columns.items()},
        mapping=chosen,
        problem=problem,
        FIELD_WORDS={key: FIELD_WORDS[key] for key in headings.FIELDS if key in FIELD_WORDS},
        ORDER_WORDS=ORDER_WORDS,
        DECIMAL_WORDS=DECIMAL_WORDS,
    )
    return page, 422 if problem else 200


def _chosen(titles: list[str]) -> Mapping:
    found: dict[str, int] = {}
    for at in range(len(titles)):
        key = request.form.get(f"column-{at}", "")
        if key in headings.FIELDS:
            found.setdefault(key, at)
    try:
        return Mapping.from_json(
            {
                "headers": titles,
                "columns": found,
                "date_order": request.form.get("date_order", "ymd"),
                "decimal": request.form.get("decimal", "."),
            }
        )
    except StatementError:
        return Mapping(tuple(titles), found)


def said(words: str, values: dict[str, Any]) -> str:
    """A stored sentence in the reader's language."""
    if not words:
        return ""
    inner = {key: gettext(str(value)) if value else value for key, value in values.items()}
    text = str(gettext(words))
    return text % inner if inner else text


def _file_url(one: StatementFile) -> str:
    return url_for("bank.statement_file", community_id=one.community_id, file_id=one.id)
