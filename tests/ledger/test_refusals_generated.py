"""Many generated entries, each wrong in one way, are all refused."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date

import psycopg
import pytest

from app.kernel import clock
from app.kernel.db import transaction
from app.kernel.period import Month
from app.ledger import service
from app.ledger.chart import BOOKS, CHART
from tests.builders import found_town
from tests.ledger.raw import Raw


def spoil_amount(bad: dict, chance: random.Random) -> None:
    bad["lines"][0][1] += chance.choice([1, 10**6]) * (1 if bad["lines"][0][1] > 0 else -1)


def spoil_account(bad: dict, chance: random.Random) -> None:
    bad["lines"][0][0] = chance.choice(["0000", "1602", "", "6001x"])


def spoil_unit(bad: dict, chance: random.Random) -> None:
    by_unit = [line for line in bad["lines"] if line[2]]
    if by_unit:
        by_unit[0][2] = chance.choice([None, 10**9])
    else:
        spoil_amount(bad, chance)


def spoil_month(bad: dict, chance: random.Random) -> None:
    bad["month"] = date(2026, chance.randrange(1, 4), 1)
    bad["book"] = "service"


def spoil_community(bad: dict, _chance: random.Random) -> None:
    bad["c"] = bad["stranger"]


def spoil_book(bad: dict, _chance: random.Random) -> None:
    bad["lines"][0].append("fund" if bad["book"] != "fund" else "commons")


def spoil_by_emptying(bad: dict, _chance: random.Random) -> None:
    bad["lines"] = []


def spoil_by_orphaning(bad: dict, _chance: random.Random) -> None:
    bad["entry"] = False


def spoil_with_a_zero(bad: dict, _chance: random.Random) -> None:
    bad["lines"].append([bad["lines"][0][0], 0, bad["lines"][0][2]])


SPOILERS = (
    spoil_amount,
    spoil_account,
    spoil_unit,
    spoil_month,
    spoil_community,
    spoil_book,
    spoil_by_emptying,
    spoil_by_orphaning,
    spoil_with_a_zero,
)


def bad_entries(chance: random.Random, raw: Raw, stranger: int, count: int) -> Iterator[dict]:
    """Balanced entries as random as can be, then each spoiled in one way."""
    codes = {book: [one for one in CHART if one.book == book] for book in BOOKS}
    for _ in range(count):
        book = chance.choice(list(BOOKS))
        lines = []
        for _line in range(chance.randrange(2, 6)):
            account = chance.choice(codes[book])
            fen = chance.choice([-1, 1]) * chance.randrange(1, 10**12)
            lines.append([account.code, fen, raw.unit_id if account.by_unit else None])
        lines[0][1] = -sum(line[1] for line in lines[1:])
        bad = {"book": book, "month": date(2027, 5, 1), "lines": lines, "stranger": stranger}
        chance.choice(SPOILERS)(bad, chance)
        del bad["stranger"]
        yield bad


def refuse_all(raw: Raw, count: int) -> None:
    """PostgreSQL refuses every one of `count` bad entries and keeps nothing of them."""
    stranger = found_town().community_id  # no books, and out of scope
    with clock.moved_to(date(2026, 4, 3)), transaction():
        service.close_month(raw.c, "service", Month(2026, 3))
    before = kept(raw)
    for bad in bad_entries(random.Random(count), raw, stranger, count):
        with pytest.raises(psycopg.Error):
            raw.enter(*bad.pop("lines"), **bad)
    assert kept(raw) == before


def kept(raw: Raw) -> tuple:
    with raw.connection.transaction():
        raw.scope()
        return raw.connection.execute(
            "SELECT (SELECT count(*) FROM entry), (SELECT count(*) FROM posting)"
        ).fetchone()


def test_many_generated_bad_entries_are_all_refused(raw):
    refuse_all(raw, 600)


@pytest.mark.slow
def test_ten_thousand_generated_bad_entries_are_all_refused(raw):
    refuse_all(raw, 10_000)
