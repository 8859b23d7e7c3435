"""Reads of accounts, statement files, lines and matches."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, cast

from sqlalchemy import Select, func, select, text

from app.kernel.db import db
from app.kernel.errors import N_, NotFound
from app.kernel.money import Fen
from app.kernel.queue import Task
from app.payments.bank.models import BankAccount, BankLine, StatementFile


@dataclass(frozen=True)
class AccountRow:
    """An account with what waits on it and how far its statements reach."""

    id: int
    book: str
    kind: str
    name: str
    tail: str
    source: str
    checked_from: date
    closed_at: datetime | None
    waiting: int
    line_count: int
    last_on: date | None
    balance_fen: Fen | None


@dataclass(frozen=True)
class MatchRow:
    """What a part of a line was matched to."""

    id: int
    kind: str
    payment_id: int | None
    payout_id: int | None
    entry_id: int | None
    amount_fen: Fen
    score: int
    made_at: datetime
    made_by: str
    undone_at: datetime | None
    undone_reason: str
    homes: str


def accounts(community_id: int, account_id: int | None = None) -> list[AccountRow]:
    """Accounts, open ones first."""
    rows = db.session.execute(
        text(
            "SELECT a.id, a.book, a.kind, a.name, a.tail, a.source, a.checked_from, a.closed_at,"
            " count(l.id) FILTER (WHERE l.status IN ('unmatched', 'proposed')) AS waiting,"
            " count(l.id) AS line_count, max(l.booked_on) AS last_on,"
            " (SELECT f.closing_fen FROM statement_file f WHERE f.community_id = a.community_id"
            "   AND f.account_id = a.id AND f.status = 'applied'"
            "   ORDER BY f.ends_on DESC NULLS LAST, f.id DESC LIMIT 1) AS balance_fen"
            " FROM bank_account a LEFT JOIN bank_line l ON l.community_id = a.community_id"
            "  AND l.account_id = a.id WHERE a.community_id = :c"
            " AND (CAST(:id AS bigint) IS NULL OR a.id = :id)"
            " GROUP BY a.community_id, a.id ORDER BY a.closed_at NULLS FIRST, a.id"
        ),
        {"c": community_id, "id": account_id},
    ).all()
    return [AccountRow(*row) for row in rows]


def account(community_id: int, account_id: int) -> AccountRow:
    """One account. Raises NotFound."""
    found = accounts(community_id, account_id)
    if not found:
        raise NotFound("bank.none", N_("没有这个账户。"))
    return found[0]


def statement_file(community_id: int, file_id: int) -> StatementFile:
    """A statement file. Raises NotFound."""
    one = db.session.get(StatementFile, (community_id, file_id))
    if one is None:
        raise NotFound("statement.none", N_("没有这份对账单。"))
    return one


def files(community_id: int, account_id: int | None = None) -> Select[Any]:
    """Statement files of a community or one account."""
    rows = cast(
        "Select[Any]",
        select(
            StatementFile.id,
            StatementFile.name,
            StatementFile.status,
            StatementFile.starts_on,
            StatementFile.ends_on,
            StatementFile.line_count,
            StatementFile.new_count,
            StatementFile.known_count,
            StatementFile.created_at,
            BankAccount.name.label("account_name"),
            BankAccount.tail.label("account_tail"),
        )
        .join(
            BankAccount,
            (BankAccount.community_id == StatementFile.community_id)
            & (BankAccount.id == StatementFile.account_id),
        )
        .where(StatementFile.community_id == community_id),
    )
    return rows if account_id is None else rows.where(StatementFile.account_id == account_id)


def task_of(community_id: int, name: str, one: StatementFile) -> Task | None:
    """The task that reads or applies a file now."""
    return db.session.scalars(
        select(Task).filter_by(community_id=community_id, name=name, key=f"{one.id}:{one.reads}")
    ).one_or_none()


def lines(community_id: int) -> Select[Any]:
    """Lines with their account."""
    return (
        select(
            BankLine.id,
            BankLine.booked_on,
            BankLine.amount_fen,
            BankLine.counterparty,
            BankLine.remark,
            BankLine.reference,
            BankLine.kind,
            BankLine.status,
            BankLine.score,
            BankLine.proposal,
            BankLine.reason,
            BankAccount.name.label("account_name"),
            BankAccount.tail.label("account_tail"),
            func.concat(BankAccount.name, " ", BankAccount.tail).label("account"),
        )
        .join(
            BankAccount,
            (BankAccount.community_id == BankLine.community_id)
            & (BankAccount.id == BankLine.account_id),
        )
        .where(BankLine.community_id == community_id)
    )


def line(community_id: int, line_id: int) -> tuple[BankLine, BankAccount]:
    """A line and its account. Raises NotFound."""
    one = db.session.get(BankLine, (community_id, line_id))
    if one is None:
        raise NotFound("bank.no_line", N_("没有这笔流水。"))
    return one, db.session.get_one(BankAccount, (community_id, one.account_id))


def matched_fen(community_id: int, line_id: int) -> Fen:
    """How much of a line is matched, with its sign."""
    return int(
        db.session.execute(
            text(
                "SELECT COALESCE(sum(amount_fen), 0)::bigint FROM bank_match"
                " WHERE community_id = :c AND line_id = :line AND undone_at IS NULL"
            ),
            {"c": community_id, "line": line_id},
        ).scalar_one()
    )


def matches(community_id: int, line_id: int) -> list[MatchRow]:
    """What a line was matched to, also what was undone."""
    rows = db.session.execute(
        text(
            "SELECT m.id, m.kind, m.payment_id, m.payout_id, m.entry_id, m.amount_fen, m.score,"
            " m.created_at, COALESCE(a.name, ''), m.undone_at, m.undone_reason,"
            " COALESCE((SELECT string_agg(DISTINCT u.label, ' ') FROM payment_item i JOIN unit u"
            "  ON u.community_id = i.community_id AND u.id = i.unit_id"
            "  WHERE i.community_id = m.community_id AND i.payment_id = m.payment_id), '')"
            " FROM bank_match m LEFT JOIN account a ON a.id = m.made_by"
            " WHERE m.community_id = :c AND m.line_id = :line ORDER BY m.id DESC"
        ),
        {"c": community_id, "line": line_id},
    ).all()
    return [MatchRow(*row) for row in rows]
