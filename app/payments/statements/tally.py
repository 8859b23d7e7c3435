"""What a file says of itself – account, period, totals, balances – held against its rows."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise

from app.kernel.errors import N_
from app.kernel.money import to_yuan
from app.payments.statements import cells
from app.payments.statements.cells import BadCell
from app.payments.statements.lines import Notice, StatementLine

IN, OUT, NEITHER, ALL = "in", "out", "neither", "all"

_SUM = r"[¥￥]?\s*([+-]?[\d,]+(?:\.\d+)?)"
_ACCOUNT = re.compile(
    r"(?:卡\s?号|账\s?号|帐\s?号|账户|帐户|微信号)(?:\[[^\]]{0,60}\])?\s?[:： ]\s*"
    r"\[?([^\]\s,，;]{4,60})"
)
_STARTS = re.compile(r"(?:起始|开始|起)(?:时间|日期|日)?\s?[:：]\s*\[?(\d{4}\D?\d{1,2}\D?\d{1,2})")
_ENDS = re.compile(
    r"(?:终止|结束|截止|止)(?:时间|日期|日)?\s?[:：]\s*\[?(\d{4}\D?\d{1,2}\D?\d{1,2})"
)
_OPENING = re.compile(rf"(?:期初|上期|上页|承前|起始)余额\s?[:：]?\s*{_SUM}")
_CLOSING = re.compile(rf"(?:期末|本期|账户当前|当前)余额\s?[:：]?\s*{_SUM}")
_COUNT = re.compile(r"共\s?(\d{1,7})\s?笔(?:记录|交易|明细)?")
_TOTALS = {
    IN: re.compile(
        rf"(?:总?收入|贷方|收入合计)(?:合计)?\s?[:：]\s*共?(\d{{1,7}})\s?笔[,，]?\s?共?{_SUM}"
    ),
    OUT: re.compile(
        rf"(?:总?支出|借方|支出合计)(?:合计)?\s?[:：]\s*共?(\d{{1,7}})\s?笔[,，]?\s?共?{_SUM}"
    ),
    NEITHER: re.compile(rf"(?:中性交易|不计收支)\s?[:：]\s*共?(\d{{1,7}})\s?笔[,，]?\s?{_SUM}"),
}

COUNT_DIFFERS = {
    IN: N_("文件写明收入 %(stated)s 笔，读到 %(found)s 笔。"),
    OUT: N_("文件写明支出 %(stated)s 笔，读到 %(found)s 笔。"),
    NEITHER: N_("文件写明不计收支 %(stated)s 笔，读到 %(found)s 笔。"),
    ALL: N_("文件写明共 %(stated)s 笔，读到 %(found)s 笔。"),
}
SUM_DIFFERS = {
    IN: N_("文件写明收入合计 %(stated)s，各行相加为 %(found)s。"),
    OUT: N_("文件写明支出合计 %(stated)s，各行相加为 %(found)s。"),
    NEITHER: N_("文件写明不计收支合计 %(stated)s，各行相加为 %(found)s。"),
}


@dataclass
class Stated:
    """What the file states; sums in fen without sign, by direction. Absent is unstated."""

    account: str = ""
    starts_on: date | None = None
    ends_on: date | None = None
    opening_fen: int | None = None
    closing_fen: int | None = None
    counts: dict[str, int] = field(default_factory=dict)
    sums: dict[str, int] = field(default_factory=dict)


@dataclass
class Found:
    """What the rows came to, by the direction the file gives each row."""

    counts: Counter[str] = field(default_factory=Counter)
    sums: Counter[str] = field(default_factory=Counter)

    def add(self, direction: str, amount_fen: int) -> None:
        """Count one row."""
        self.counts[direction] += 1
        self.counts[ALL] += 1
        self.sums[direction] += abs(amount_fen)

    @classmethod
    def of(cls, lines: Iterable[StatementLine]) -> Found:
        """By sign, where the file has no other word on direction."""
        found = cls()
        for line in lines:
            found.add(IN if line.amount_fen >= 0 else OUT, line.amount_fen)
        return found


def stated_in(texts: Iterable[str]) -> Stated:
    """Read what preamble and footer say; what cannot be read counts as not said."""
    stated = Stated()
    for raw in texts:
        text = unicodedata.normalize("NFKC", cells.clean(raw[:2_000]))
        _read_facts(stated, text)
        for direction, pattern in _TOTALS.items():
            if found := pattern.search(text):
                stated.counts.setdefault(direction, int(found[1]))
                if (amount := fen(found[2])) is not None:
                    stated.sums.setdefault(direction, abs(amount))
        if not any(pattern.search(text) for pattern in _TOTALS.values()) and (
            found := _COUNT.search(text)
        ):
            stated.counts.setdefault(ALL, int(found[1]))
    return stated


def _read_facts(stated: Stated, text: str) -> None:
    if not stated.account and (found := _ACCOUNT.search(text)):
        stated.account = found[1]
    if stated.starts_on is None and (found := _STARTS.search(text)):
        stated.starts_on = _day(found[1])
    if stated.ends_on is None and (found := _ENDS.search(text)):
        stated.ends_on = _day(found[1])
    if stated.opening_fen is None and (found := _OPENING.search(text)):
        stated.opening_fen = fen(found[1])
    if stated.closing_fen is None and (found := _CLOSING.search(text)):
        stated.closing_fen = fen(found[1])


def _day(text: str) -> date | None:
    try:
        return cells.when(text).day
    except BadCell:
        return None


def fen(text: str) -> int | None:
    """A sum out of a sentence; None when it is none."""
    try:
        return cells.money(text)
    except BadCell:
        return None


def compare(stated: Stated, found: Found) -> list[Notice]:
    """A notice for each stated count or sum that the rows do not bear out."""
    notices = []
    for direction, count in stated.counts.items():
        if found.counts[direction] != count:
            notices.append(
                Notice(
                    COUNT_DIFFERS[direction], {"stated": count, "found": found.counts[direction]}
                )
            )
    for direction, amount in stated.sums.items():
        if found.sums[direction] != amount:
            notices.append(
                Notice(
                    SUM_DIFFERS[direction],
                    {"stated": yuan(amount), "found": yuan(found.sums[direction])},
                )
            )
    return notices


def balances(
    lines: Sequence[StatementLine], stated: Stated, *, chained: bool = True
) -> tuple[int | None, int | None, list[Notice]]:
    """Opening and closing balance, and a notice where balances and amounts do not meet.

    Files run forwards or backwards in time; the way with fewer breaks is taken. `chained`
    is False where the balance beside a line is not the one right after it.
    """
    notices: list[Notice] = []
    opening, closing = stated.opening_fen, stated.closing_fen
    if chained and lines and all(line.balance_fen is not None for line in lines):
        ordered, breaks = min(_breaks(lines), _breaks(lines[::-1]), key=lambda one: len(one[1]))
        if breaks:
            notices.append(
                Notice(
                    N_(
                        "余额与发生额有 %(count)s 处接不上，第一处在第 %(row)s 行："
                        "请核对文件是否缺行或改动过。"
                    ),
                    {"count": len(breaks), "row": breaks[0]},
                )
            )
        else:
            first, last = ordered[0], ordered[-1]
            if opening is None and first.balance_fen is not None:
                opening = first.balance_fen - first.amount_fen
            closing = last.balance_fen if closing is None else closing
    moved = sum(line.amount_fen for line in lines)
    if opening is not None and closing is not None and opening + moved != closing:
        notices.append(
            Notice(
                N_(
                    "期初余额 %(opening)s 加本期发生 %(moved)s，不等于期末余额 %(closing)s："
                    "请核对文件是否缺行。"
                ),
                {"opening": yuan(opening), "moved": yuan(moved), "closing": yuan(closing)},
            )
        )
    return opening, closing, notices


def _breaks(lines: Sequence[StatementLine]) -> tuple[Sequence[StatementLine], list[int]]:
    rows = []
    for before, line in pairwise(lines):
        if (before.balance_fen or 0) + line.amount_fen != line.balance_fen:
            rows.append(line.row)
    return lines, sorted(rows)


def period(
    lines: Sequence[StatementLine], stated: Stated
) -> tuple[date | None, date | None, list[Notice]]:
    """First and last day, as stated or further where lines lie outside; a notice if they do."""
    days = [line.booked_on for line in lines]
    first, last = min(days, default=None), max(days, default=None)
    starts_on = min((day for day in (stated.starts_on, first) if day), default=None)
    ends_on = max((day for day in (stated.ends_on, last) if day), default=None)
    outside = sum(
        (stated.starts_on is not None and day < stated.starts_on)
        or (stated.ends_on is not None and day > stated.ends_on)
        for day in days
    )
    if not outside:
        return starts_on, ends_on, []
    return (
        starts_on,
        ends_on,
        [Notice(N_("有 %(count)s 行的日期在文件写明的期间之外。"), {"count": outside})],
    )


def yuan(amount_fen: int) -> str:
    """A sum for a notice."""
    return f"{to_yuan(amount_fen):,}"
