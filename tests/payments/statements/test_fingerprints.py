"""The same file twice, and overlapping files, add nothing; two true payments stay two."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from app.payments.statements.detect import read
from app.payments.statements.lines import Statement, StatementLine, fingerprints, keyed

FIRST = date(2026, 3, 1)


def line(day: int, amount_fen: int, words: str = "", reference: str = "", row: int = 1):
    on = FIRST + timedelta(days=day)
    return StatementLine(row, on, None, amount_fen, None, "", "", words, reference, 0, "plain")


lines = st.builds(
    line,
    st.integers(0, 5),
    st.sampled_from([-100, 100, 200]),
    st.sampled_from(["", "物业费", "物 业 费"]),
    st.sampled_from(["", "", "R1", "R2"]),
)


@given(st.lists(lines, max_size=30))
def test_keys_within_an_account_are_unique(some):
    keys = fingerprints(some)
    assert len(set(keys)) == len(keys)


@settings(max_examples=200)
@given(st.lists(lines, max_size=30), st.integers(0, 5), st.integers(0, 5))
def test_overlapping_files_of_whole_days_agree_on_what_they_share(some, upto, since):
    """Days 0…upto in one file, since…5 in another: all keys together are those of one file."""
    first = [one for one in some if one.booked_on <= FIRST + timedelta(days=upto)]
    second = [one for one in some if one.booked_on >= FIRST + timedelta(days=since)]
    together = set(fingerprints(first)) | set(fingerprints(second))
    both = [one for one in some if one in first or one in second]
    assert together == set(fingerprints(both))


@given(lines, st.integers(2, 9))
def test_the_row_does_not_matter_the_money_does(one, row):
    moved = line((one.booked_on - FIRST).days, one.amount_fen, one.remark, one.reference, row)
    other = line((one.booked_on - FIRST).days, one.amount_fen + 1, one.remark, one.reference)
    assert fingerprints([one]) == fingerprints([moved])
    assert fingerprints([one]) != fingerprints([other])


def test_two_coffees_on_one_day_are_two():
    two = [line(1, -450, "COFFEE"), line(1, -450, "COFFEE")]
    assert len(set(fingerprints(two))) == 2


def test_accounts_in_one_file_are_counted_apart_and_parts_of_one_together():
    def statement(account: str) -> Statement:
        return Statement(account, "CNY", None, None, None, None, (line(1, 100, "a"),), ())

    keys = [key for *_, key in keyed([statement("1"), statement("2"), statement("1")])]
    assert keys[0] == keys[1]
    assert keys[2] not in keys[:2]


def test_the_same_file_twice_gives_the_same_keys():
    data = "交易日期,金额,摘要\n2026-01-01,1.00,甲\n2026-01-01,1.00,甲\n".encode()
    assert [key for *_, key in keyed(read(data, "a"))] == [
        key for *_, key in keyed(read(data, "b"))
    ]
