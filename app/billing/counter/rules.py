"""What a till holds, what is given back, who may undo what. Pure; fen."""

from __future__ import annotations

from collections.abc import Mapping

from app.kernel.errors import N_, Conflict, Forbidden, RuleBroken
from app.kernel.money import Fen, to_yuan

MEANS = {"cash": N_("现金"), "pos": N_("POS 刷卡"), "transfer": N_("银行转账")}
SETTLED_AS = {"cash": "cash", "pos": "pos", "transfer": "bank"}
KINDS = {"taken": N_("收款"), "reversed": N_("冲正退回"), "banked": N_("存入银行")}
DENOMINATIONS = (10000, 5000, 2000, 1000, 500, 100, 50, 10)  # 百元 … 一角


def change_fen(amount_fen: Fen, tendered_fen: Fen | None) -> Fen:
    """What the payer gets back of what they laid down; raises RuleBroken when it is too little."""
    if tendered_fen is None:
        return 0
    if tendered_fen < amount_fen:
        raise RuleBroken(
            "counter.tendered",
            N_("实收 %(tendered)s 元少于应收 %(amount)s 元。"),
            field="tendered_fen",
            tendered=to_yuan(tendered_fen),
            amount=to_yuan(amount_fen),
        )
    return tendered_fen - amount_fen


def counted_fen(notes: Mapping[int, int]) -> Fen:
    """The sum of notes and coins, by what each is worth in fen and how many there are."""
    return sum(worth * count for worth, count in notes.items())


def check_reference(means: str, reference: str) -> None:
    """A card or transfer slip has a number, or the bank's line is never found again."""
    if means != "cash" and not reference.strip():
        raise RuleBroken(
            "counter.reference", N_("请填写刷卡凭条或转账回单的号码。"), field="reference"
        )


def check_difference(difference_fen: Fen, reason: str) -> None:
    """Raises RuleBroken when the count differs from the book and nobody says why."""
    if difference_fen and not reason.strip():
        raise RuleBroken(
            "shift.reason",
            N_("清点与账面相差 %(difference)s 元，请写明原因。"),
            field="reason",
            difference=to_yuan(difference_fen),
        )


def check_reversal(*, own_open_shift: bool, may_approve: bool, same_person: bool) -> None:
    """In the shift that took it, the cashier undoes it; later only somebody else with the right.

    Source: RULES C6 (refunds), RELIABILITY bar 17: a second person for a refund.
    """
    if own_open_shift:
        return
    if same_person:
        raise Forbidden(
            "counter.second_person", N_("已交班的收款须由另一人冲正，收款人自己不能办理。")
        )
    if not may_approve:
        raise Forbidden("counter.approve", N_("别人的收款或已交班的收款，须由有审批权的人冲正。"))


def check_acceptance(*, closed: bool, accepted: bool, same_person: bool) -> None:
    """A closed shift is accepted once, by somebody else."""
    if not closed:
        raise Conflict("shift.open", N_("这个班次还没有交班。"))
    if accepted:
        raise Conflict("shift.accepted", N_("这个班次已经验收过了。"))
    if same_person:
        raise Forbidden("shift.same_person", N_("自己的班次须由另一人验收。"))
