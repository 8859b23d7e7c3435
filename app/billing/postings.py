"""A month of bills as debits and credits. Pure: fen in, postings out; a debit is positive."""

from __future__ import annotations

from collections.abc import Mapping

from app.kernel.money import Fen
from app.ledger.chart import BY_KEY, HELD_FOR_OWNERS, RECEIVABLE, SUBSIDY_RECEIVABLE

BOOK = "service"
ISSUED = "bill_run:issued"


def income_account(fee_mode: str, income_code: str) -> str:
    """Where a tariff's charge is booked.

    Under 酬金制 the fee is held for the owners, so income becomes 2241; what is passed on
    to others (a liability by the tariff) stays where the tariff says.
    Source: FEE 9, 11–12; RULES C1.
    """
    account = BY_KEY[BOOK, income_code]
    return HELD_FOR_OWNERS if fee_mode == "commission" and account.kind == "income" else income_code


def issued(
    resident_by_unit: Mapping[int, Fen], subsidy_fen: Fen, gross_by_account: Mapping[str, Fen]
) -> list[tuple[str, int | None, Fen]]:
    """One run's entry as (account, unit, amount): it balances when gross = subsidy + resident.

    1122 应收业主费用   unit 1     22.86
    1122 应收业主费用   unit 2     30.00
    1221 应收政府补贴              49.01
         6001 物业费收入                    101.87
    """
    debits: list[tuple[str, int | None, Fen]] = [
        (RECEIVABLE, unit_id, fen) for unit_id, fen in sorted(resident_by_unit.items()) if fen
    ]
    if subsidy_fen:
        debits.append((SUBSIDY_RECEIVABLE, None, subsidy_fen))
    credits = [(code, None, -fen) for code, fen in sorted(gross_by_account.items()) if fen]
    return [*debits, *credits]
