"""What the wallets' files have in common: rows with a direction in words, totals above or below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from app.kernel.errors import N_
from app.payments.statements import currencies, tally
from app.payments.statements.grid import Head, Table
from app.payments.statements.lines import Notice, Statement, StatementLine
from app.payments.statements.readers.table import DAMAGED_NUMBERS, reference

LEFT_OUT_CLOSED = N_("有 %(count)s 行交易已关闭或失败，没有动钱，已略去，第一处在第 %(row)s 行。")
LEFT_OUT_PENDING = N_(
    "有 %(count)s 行尚未完成，已略去，第一处在第 %(row)s 行；完成后再次下载导入即可补上。"
)
LEFT_OUT_ZERO = N_("有 %(count)s 行金额为零，已略去，第一处在第 %(row)s 行。")


@dataclass
class Reading:
    """Lines and what was left out; `found` counts every row by the file's own direction."""

    lines: list[StatementLine] = field(default_factory=list)
    found: tally.Found = field(default_factory=tally.Found)
    closed: list[int] = field(default_factory=list)
    pending: list[int] = field(default_factory=list)
    zero: list[int] = field(default_factory=list)
    damaged: list[int] = field(default_factory=list)

    def number(self, text: str, row: int) -> str:
        """A transaction number, or nothing when a spreadsheet has rounded it."""
        kept = reference(text)
        if text and not kept and text.strip("0"):
            self.damaged.append(row)
        return kept

    def add(self, line: StatementLine) -> None:
        """Keep a line; one of no money is left out."""
        if line.amount_fen == 0 and line.fee_fen == 0:
            self.zero.append(line.row)
        else:
            self.lines.append(line)

    def left_out(self) -> list[Notice]:
        """A notice for each reason for which rows are not among the lines."""
        reasons = (
            (LEFT_OUT_CLOSED, self.closed),
            (LEFT_OUT_PENDING, self.pending),
            (LEFT_OUT_ZERO, self.zero),
            (DAMAGED_NUMBERS, self.damaged),
        )
        return [Notice(said, {"count": len(at), "row": at[0]}) for said, at in reasons if at]


def texts_above(table: Table, head: Head) -> list[str]:
    """The preamble's rows as text."""
    return [" ".join(row) for _number, row in table.rows[: head.at]]


def finish(
    reading: Reading,
    stated: tally.Stated,
    source: str,
    *,
    extra: Sequence[Notice] = (),
    chained: bool = False,
) -> Statement:
    """The statement of a wallet's file, in CNY, with a notice for all that does not agree."""
    opening, closing, unmet = tally.balances(reading.lines, stated, chained=chained)
    starts_on, ends_on, outside = tally.period(reading.lines, stated)
    return Statement(
        account=stated.account,
        currency=currencies.CNY,
        opening_fen=opening,
        closing_fen=closing,
        starts_on=starts_on,
        ends_on=ends_on,
        lines=tuple(reading.lines),
        notices=(
            *tally.compare(stated, reading.found),
            *unmet,
            *outside,
            *reading.left_out(),
            *extra,
        ),
        source=source,
    )
