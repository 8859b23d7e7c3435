"""What a renovated old community usually begins with, and the accounts a charge may go to."""

from __future__ import annotations

from dataclasses import dataclass

from app.kernel.errors import N_
from app.ledger import chart


@dataclass(frozen=True)
class Suggestion:
    """A charge to begin with. Texts are msgids; no price, because that needs a paper."""

    key: str
    name: str
    why: str
    basis: str
    unit_kinds: tuple[str, ...] = ()
    subsidised: bool = False
    income_code: str = chart.FEE_INCOME


SUGGESTIONS = {
    one.key: one
    for one in (
        Suggestion(
            "fee",
            N_("物业费"),
            N_("每平方米每月一个价；街道补贴期内，补贴直接抵减这一项。"),
            "area",
            ("residential",),
            subsidised=True,
        ),
        Suggestion(
            "shop_fee",
            N_("商业物业费"),
            N_("底商、办公另定单价，一般不享受补贴。"),
            "area",
            ("commercial", "office"),
        ),
        Suggestion(
            "parking",
            N_("车位管理费"),
            N_("按登记的车位数量收；每户几个车位，随后登记或批量粘贴。"),
            "space",
            income_code=chart.OTHER_INCOME,
        ),
        Suggestion(
            "lighting",
            N_("公共照明公摊"),
            N_("每月把实际电费分摊到户，代收代付，不加价。"),
            "shared",
            income_code=chart.UTILITIES_PAYABLE,
        ),
    )
}


def income_accounts() -> tuple[chart.Account, ...]:
    """Where a charge may be booked: income, sums collected for others, or money held for owners.

    Late damages have their own account, which no tariff may use.
    """
    for_others = (chart.UTILITIES_PAYABLE, chart.HELD_FOR_OWNERS)
    return tuple(
        account
        for account in chart.CHART
        if account.book == "service"
        and (
            (account.kind == "income" and account.code != chart.DAMAGES_INCOME)
            or account.code in for_others
        )
    )
