"""What a bank line may be: proposals with a score from 0 to 100 and their reasons. Pure; fen.

Scores are sums of what speaks for a proposal (docs/bookkeeping.md, "Matching"):

| | points |
|---|---|
| the bank's or our own number is the same, and so is the sum | 100 |
| the number is the same, the sum is not | 60 |
| a payment, payout or deposit of this very sum, within 3 days | 70 |
| … and its name (or the gateway's) is on the line too | +20 |
| the remark names the home beyond doubt | 45 |
| the remark names a room that a few homes have | 15 |
| the payer is an owner or occupant of it and of no other | 30 |
| the payer is one, of it and of others | 15 |
| the sum is all that is open there (alone only if no other home owes just that) | 40 |
| the sum is that of whole months | 35 |
| the remark names the month | 5 |
| paid from 45 days before to 30 days after a bill was due | 5 |

Of homes, nothing above 99; nothing below 40 is proposed. A sum that fits nothing is worth
nothing, and such a proposal is never among those confirmed together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from app.kernel.errors import N_
from app.kernel.money import Fen
from app.payments.bank.rooms import Doors, Named, named, plain_text

LEAST = 40  # below it nothing is proposed
TOGETHER = 85  # from here on, proposals may be confirmed together
NEAR_DAYS = 3
BEFORE_DUE, AFTER_DUE = timedelta(days=45), timedelta(days=30)
MOST_BILLS = 120  # of one home; older debts are laid by hand

SAME_NUMBER = N_("单号一致")
SAME_SUM = N_("金额一致")
OTHER_SUM = N_("金额与登记的不一致")
NEAR = N_("日期相近（%(days)s 天以内）")
SAME_NAME = N_("付款人姓名一致")
ROOM = N_("备注写明房号")
ROOM_PERHAPS = N_("备注里的房号有几户相符")
OWNER = N_("付款人是这户的业主或住户")
OWNER_OF_SEVERAL = N_("付款人是业主或住户，名下不止这一户")
ALL_OPEN = N_("金额等于全部未付账单")
MONTHS = N_("金额等于 %(first)s 至 %(last)s 的账单")
MONTH = N_("金额等于 %(month)s 的账单")
MONTH_NAMED = N_("备注写明月份")
DUE = N_("付款日在应付日前后")
PART = N_("金额不足，先付最早的账单")
OVER = N_("金额多于未付账单，余下转为预存")
STREET = N_("付款方是发放补贴的街道，或备注写明补贴")
GATEWAY = N_("摘要写明支付平台")

Reason = tuple[str, dict[str, str]]


@dataclass(frozen=True)
class OpenBill:
    """A bill with something open; `month` is its first day."""

    id: int
    month: date
    due_on: date
    open_fen: Fen


@dataclass(frozen=True)
class Home:
    """A home as far as matching knows it."""

    unit_id: int
    label: str
    names: tuple[str, ...] = ()
    bills: tuple[OpenBill, ...] = ()

    @property
    def open_fen(self) -> Fen:
        """All that is open."""
        return sum(one.open_fen for one in self.bills)


@dataclass(frozen=True)
class Known:
    """Something our books have already that a line may be: a payment, a payout, a deposit.

    `left_fen` is what no line was matched to yet, with the sign of the money.
    """

    kind: str
    id: int
    left_fen: Fen
    on: date
    numbers: tuple[str, ...] = ()
    name: str = ""


@dataclass(frozen=True)
class Movement:
    """A line as far as matching reads it."""

    amount_fen: Fen
    on: date
    counterparty: str = ""
    remark: str = ""
    reference: str = ""
    order_no: str = ""
    kind: str = "plain"

    @property
    def words(self) -> str:
        """All that was written about it."""
        return f"{self.remark} {self.order_no} {self.reference}"


@dataclass(frozen=True)
class Part:
    """What a home's bills get: never more than is open on them. `over_fen` would be credit."""

    unit_id: int
    label: str
    bill_ids: tuple[int, ...]
    laid_fen: Fen
    over_fen: Fen = 0

    @property
    def amount_fen(self) -> Fen:
        """What the home gets of the line."""
        return self.laid_fen + self.over_fen


@dataclass(frozen=True)
class Proposal:
    """What a line may be, how sure that is, and why.

    `kind` is `homes` (with `parts`), `subsidy`, or that of something known (with `target_id`).
    """

    kind: str
    score: int
    reasons: tuple[Reason, ...]
    amount_fen: Fen
    parts: tuple[Part, ...] = ()
    target_id: int | None = None


@dataclass
class Book:
    """All that lines of an account may be matched to."""

    homes: dict[int, Home] = field(default_factory=dict)
    doors: Doors = field(default_factory=Doors)
    by_name: dict[str, list[int]] = field(default_factory=dict)
    by_total: dict[Fen, list[int]] = field(default_factory=dict)
    by_number: dict[str, list[Known]] = field(default_factory=dict)
    by_sum: dict[Fen, list[Known]] = field(default_factory=dict)
    street_names: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls,
        homes: Iterable[Home],
        doors: Doors,
        known: Sequence[Known] = (),
        street_names: Iterable[str] = (),
    ) -> Book:
        """An index; the order of what is given does not matter."""
        made = cls({one.unit_id: one for one in homes}, doors)
        for unit_id in sorted(made.homes):
            for name in made.homes[unit_id].names:
                made.by_name.setdefault(_name(name), []).append(unit_id)
            made.by_total.setdefault(made.homes[unit_id].open_fen, []).append(unit_id)
        for one in known:
            made.by_sum.setdefault(one.left_fen, []).append(one)
            for number in {_number(text) for text in one.numbers} - {""}:
                made.by_number.setdefault(number, []).append(one)
        made.street_names = frozenset(filter(None, map(_name, street_names)))
        return made


def propose(line: Movement, book: Book, most: int = 5) -> list[Proposal]:
    """What a line may be, the likeliest first; nothing for neutral lines.

    Street money is never proposed for homes. Source: RULES D (subsidy settles claims).
    """
    if line.kind == "neutral" or not line.amount_fen:
        return []
    said = _numbers(line)
    likely = {
        (one.kind, one.id): one
        for group in (*(book.by_number.get(word, ()) for word in said),
                      book.by_sum.get(line.amount_fen, ()))
        for one in group
    }  # fmt: skip
    found = [_as_known(line, one, said) for one in likely.values()]
    proposals = [one for one in found if one is not None]
    if line.amount_fen > 0 and line.kind == "plain":
        if is_subsidy(line, book.street_names):
            proposals.append(Proposal("subsidy", 90, ((STREET, {}),), line.amount_fen))
        elif all(one.score < 100 for one in proposals):
            proposals += _homes(line, book)
    proposals.sort(
        key=lambda one: (-one.score, one.kind, one.target_id or 0, [p.unit_id for p in one.parts])
    )
    return [one for one in proposals if one.score >= LEAST][:most]


def may_go_together(best: Proposal, others: Sequence[Proposal]) -> bool:
    """Whether a proposal may be confirmed with many: sure enough, and no other is as sure."""
    exact = all(not one.over_fen for one in best.parts)
    return exact and best.score >= TOGETHER and all(one.score < best.score for one in others)


def is_subsidy(line: Movement, street_names: Iterable[str] = ()) -> bool:
    """Whether a line is the street's money: paid by it, or called subsidy by a public office."""
    payer = _name(line.counterparty)
    if payer and any(name in payer for name in street_names):
        return True
    public = re.search(r"街道|办事处|财政|人民政府|国库|支付中心|住建", payer)
    return bool(public and re.search(r"补贴|补助|专项资金", plain_text(line.remark)))


def _as_known(line: Movement, one: Known, said: set[str]) -> Proposal | None:
    if (one.left_fen > 0) != (line.amount_fen > 0) or not one.left_fen:
        return None
    part = min(line.amount_fen, one.left_fen, key=abs)
    same = one.left_fen == line.amount_fen
    if not said.isdisjoint(map(_number, one.numbers)):
        why = SAME_SUM if same else OTHER_SUM
        score = 100 if same else 60
        return Proposal(one.kind, score, ((SAME_NUMBER, {}), (why, {})), part, target_id=one.id)
    if not same or abs((line.on - one.on).days) > NEAR_DAYS:
        return None
    reasons: list[Reason] = [(SAME_SUM, {}), (NEAR, {"days": str(NEAR_DAYS)})]
    score = 70
    if one.kind == "payout" and re.search(r"stripe", line.words + line.counterparty, re.I):
        reasons.append((GATEWAY, {}))
        score += 20
    elif one.name and _name(one.name) == _name(line.counterparty):
        reasons.append((SAME_NAME, {}))
        score += 20
    return Proposal(one.kind, score, tuple(reasons), part, target_id=one.id)


def _numbers(line: Movement) -> set[str]:
    """Numbers on a line: the bank's, ours, and whatever stands whole in the remark."""
    words = re.findall(r"[0-9A-Za-z_\-]{6,}", plain_text(line.remark))
    return {_number(word) for word in (line.reference, line.order_no, *words)} - {""}


def _homes(line: Movement, book: Book) -> list[Proposal]:
    said = named(line.remark, book.doors)
    payers = book.by_name.get(_name(line.counterparty), [])
    found: list[Proposal] = []
    wanted = sorted({*said.sure, *said.perhaps[:20], *payers[:20]})
    if not wanted and len(book.by_total.get(line.amount_fen, ())) == 1:
        wanted = book.by_total[line.amount_fen]  # nobody else owes just this
    for unit_id in wanted:
        home = book.homes.get(unit_id)
        if home is not None:
            one = _one_home(line, home, said, payers)
            if one is not None:
                found.append(one)
    for group, why in ((said.sure, ROOM), (tuple(payers), OWNER_OF_SEVERAL)):
        several = _several_homes(line, book, group, why, said, payers)
        if several is not None and all(several.parts != one.parts for one in found):
            found.append(several)
    return found


def _one_home(line: Movement, home: Home, said: Named, payers: Sequence[int]) -> Proposal | None:
    score, reasons = _who(home.unit_id, said, payers)
    bills = tuple(sorted(home.bills, key=lambda one: (one.due_on, one.id)))[:MOST_BILLS]
    chosen, points, why = _which(line, bills)
    score += points
    reasons += why
    if chosen and points:
        more, extra = _when(line, chosen)
        score += more
        reasons += extra
    open_fen = sum(one.open_fen for one in chosen)
    laid = min(line.amount_fen, open_fen)
    over = line.amount_fen - laid
    part = Part(home.unit_id, home.label, tuple(one.id for one in chosen), laid, over)
    return Proposal("homes", min(score, 99), tuple(reasons), line.amount_fen, (part,))


def _who(unit_id: int, said: Named, payers: Sequence[int]) -> tuple[int, list[Reason]]:
    score = 0
    reasons: list[Reason] = []
    if unit_id in said.sure:
        score, reasons = 45, [(ROOM, {})]
    elif unit_id in said.perhaps:
        score, reasons = 15, [(ROOM_PERHAPS, {})]
    if unit_id in payers:
        alone = len(set(payers)) == 1
        score += 30 if alone else 15
        reasons.append((OWNER if alone else OWNER_OF_SEVERAL, {}))
    return score, reasons


def _which(
    line: Movement, bills: Sequence[OpenBill]
) -> tuple[Sequence[OpenBill], int, list[Reason]]:
    """The bills a sum means: all, or whole months in a row, the oldest first; else the oldest."""
    total = sum(one.open_fen for one in bills)
    if not bills or line.amount_fen > total:
        return bills, 0, [(OVER, {})]
    if total == line.amount_fen:
        return bills, 40, [(ALL_OPEN, {})]
    meant = months_named(line.remark, line.on)
    runs = _runs(bills, line.amount_fen)
    if runs:
        best = max(
            runs, key=lambda run: (sum(one.month in meant for one in run), -bills.index(run[0]))
        )
        first, last = best[0].month, best[-1].month
        if first == last:
            return best, 35, [(MONTH, {"month": f"{first:%Y-%m}"})]
        return best, 35, [(MONTHS, {"first": f"{first:%Y-%m}", "last": f"{last:%Y-%m}"})]
    return bills, 0, [(PART, {})]


def _runs(bills: Sequence[OpenBill], amount_fen: Fen) -> list[Sequence[OpenBill]]:
    found: list[Sequence[OpenBill]] = []
    for first in range(len(bills)):
        total = 0
        for last in range(first, len(bills)):
            total += bills[last].open_fen
            if total == amount_fen:
                found.append(bills[first : last + 1])
            if total >= amount_fen:
                break
    return found


def _when(line: Movement, bills: Sequence[OpenBill]) -> tuple[int, list[Reason]]:
    score = 0
    reasons: list[Reason] = []
    meant = months_named(line.remark, line.on)
    if meant and meant <= {one.month for one in bills}:
        score += 5
        reasons.append((MONTH_NAMED, {}))
    newest = max(one.due_on for one in bills)
    if newest - BEFORE_DUE <= line.on <= newest + AFTER_DUE:
        score += 5
        reasons.append((DUE, {}))
    return score, reasons


def _several_homes(  # noqa: PLR0917 -- a group of homes and what was said about them
    line: Movement,
    book: Book,
    group: Sequence[int],
    why: str,
    said: Named,
    payers: Sequence[int],
) -> Proposal | None:
    """All that several homes owe together, when that is the sum."""
    homes = [book.homes[one] for one in sorted(set(group)) if one in book.homes]
    homes = [one for one in homes if one.open_fen]
    if len(homes) < 2 or sum(one.open_fen for one in homes) != line.amount_fen:
        return None
    score = 45 if why == ROOM else 30
    reasons: list[Reason] = [(why, {})]
    if why == ROOM and {one.unit_id for one in homes} <= set(payers):
        score += 15
        reasons.append((OWNER_OF_SEVERAL, {}))
    every = [bill for home in homes for bill in home.bills]
    more, extra = _when(line, every)
    parts = tuple(
        Part(one.unit_id, one.label, tuple(bill.id for bill in sorted(
            one.bills, key=lambda bill: (bill.due_on, bill.id))), one.open_fen)
        for one in homes
    )  # fmt: skip
    reasons += [(ALL_OPEN, {}), *extra]
    return Proposal("homes", min(99, score + 40 + more), tuple(reasons), line.amount_fen, parts)


def months_named(text: str, on: date) -> set[date]:
    """The months a remark names: 2026年3月, 2026-03, 3月份, 1-3月; a bare one is the last such."""
    plain = plain_text(text)
    found = {
        date(int(year), int(month), 1)
        for year, month in re.findall(r"(20\d\d)\s*[年./-]\s*(0?[1-9]|1[0-2])(?!\d)", plain)
    }
    if found:
        return found
    for first, last in re.findall(r"(?<![\d年-])(\d{1,2})\s*[-至到]\s*(\d{1,2})\s*月", plain):
        if 1 <= int(first) <= int(last) <= 12:
            found |= {_last_such(month, on) for month in range(int(first), int(last) + 1)}
    if not found:
        for month in re.findall(r"(?<![\d-])(1[0-2]|0?[1-9])\s*月", plain):
            found.add(_last_such(int(month), on))
    return found


def _last_such(month: int, on: date) -> date:
    """The nearest month of this number, not more than two months ahead."""
    year = on.year if month <= on.month + 2 else on.year - 1
    return date(year, month, 1)


def _name(text: str) -> str:
    return re.sub(r"[\s·•・]+", "", plain_text(text)).casefold()


def _number(text: str) -> str:
    """A number as compared: six characters at least, or it means nothing."""
    plain = re.sub(r"[\s`'\t]+", "", plain_text(text)).casefold()
    return plain if len(plain) >= 6 else ""


def as_json(one: Proposal, *, together: bool) -> dict[str, object]:
    """For a line's `proposal`."""
    return {
        "kind": one.kind,
        "score": one.score,
        "reasons": [[words, values] for words, values in one.reasons],
        "amount_fen": one.amount_fen,
        "target_id": one.target_id,
        "together": together,
        "parts": [
            {
                "unit_id": part.unit_id,
                "label": part.label,
                "bill_ids": list(part.bill_ids),
                "laid_fen": part.laid_fen,
                "over_fen": part.over_fen,
            }
            for part in one.parts
        ],
    }
