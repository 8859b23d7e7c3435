"""Money of a line laid on homes: payment, settlement, receipt and match in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.billing.bank import postings
from app.billing.bank.service import matching
from app.billing.bank.service.common import street_names
from app.billing.bills import service as bills
from app.billing.bills.service import Settled
from app.billing.postings import BOOK
from app.kernel.errors import N_, Conflict, RuleBroken
from app.kernel.money import Fen
from app.payments.bank import rules
from app.payments.bank import service as bank
from app.payments.bank.service import BankAccount, BankLine, BankMatch, Payment

SUBSIDY_REASON = N_("政府补贴")


@dataclass(frozen=True)
class HomePart:
    """So much of a line for a home: on the bills named, or oldest first when none is."""

    unit_id: int
    amount_fen: Fen
    bill_ids: tuple[int, ...] = ()


def confirm_homes(
    community_id: int,
    line_id: int,
    parts: Sequence[HomePart],
    *,
    score: int = 0,
    exactly: bool = False,
) -> BankMatch:
    """Lay a part or all of an incoming line on homes' bills, with receipts; one payment.

    `exactly` refuses what would leave credit, as when many are confirmed together. Raises
    RuleBroken for the street's money, outgoing, neutral or refunded lines, Conflict, NotFound.
    """
    line, account = bank.lock_line(community_id, line_id)
    _check_homes(line, account, parts)
    total = sum(part.amount_fen for part in parts)
    bank.check_open(line, total)
    payment = bank.begin_payment(line, account, total)
    done = [
        (part, _settle(payment, account, part))
        for part in sorted(parts, key=lambda part: part.unit_id)
    ]
    if exactly and any(settled.credit_fen for _, settled in done):
        raise Conflict("bank.moved_on", N_("账单已有变化，金额不再相符，请逐笔核对。"))
    bank.add_items(payment, _items(done))
    return bank.add_match(line, "payment", total, payment_id=payment.id, score=score)


def confirm_best(community_id: int, line_id: int, *, together: bool = False) -> None:
    """Do what a line's proposal says. Raises Conflict when it has none, or not a sure one."""
    line, _ = bank.lock_line(community_id, line_id)
    found = line.proposal
    if found is None or (together and not found["together"]):
        raise Conflict("bank.no_proposal", N_("这笔流水没有可以确认的建议，请刷新页面。"))
    kind, score = found["kind"], int(found["score"])
    if kind == "homes":
        parts = [
            HomePart(part["unit_id"], part["laid_fen"] + part["over_fen"], tuple(part["bill_ids"]))
            for part in found["parts"]
        ]
        confirm_homes(community_id, line_id, parts, score=score, exactly=together)
    elif kind == "subsidy":
        bank.explain(community_id, line_id, SUBSIDY_REASON)
    else:
        matching.match_known(
            community_id, line_id, kind, found["target_id"], found["amount_fen"], score=score
        )


def _check_homes(line: BankLine, account: BankAccount, parts: Sequence[HomePart]) -> None:
    if account.book != BOOK:
        raise RuleBroken("bank.book", N_("这个账户不属于物业服务账簿，不能付物业账单。"))
    if line.amount_fen < 0 or line.kind not in ("plain", "neutral"):
        raise RuleBroken("bank.not_income", N_("只有收进来的款项可以入到房屋名下。"))
    if rules.is_subsidy(_movement(line), street_names(line.community_id)):
        raise RuleBroken("bank.subsidy", N_("这是街道的补贴，不能付业主的账单。"))
    homes = [part.unit_id for part in parts]
    if not parts or len(set(homes)) != len(homes) or any(p.amount_fen <= 0 for p in parts):
        raise RuleBroken("bank.parts", N_("请为每户填写大于 0 的金额，每户一次。"))


def _movement(line: BankLine) -> rules.Movement:
    return rules.Movement(line.amount_fen, line.booked_on, line.counterparty, line.remark)


def _settle(payment: Payment, account: BankAccount, part: HomePart) -> Settled:
    assert payment.received_on is not None
    return bills.settle(
        payment.community_id,
        part.unit_id,
        part.amount_fen,
        received_on=payment.received_on,
        means=postings.SETTLED_AS[account.kind],
        source=f"payment:{payment.id}:{part.unit_id}",
        bill_ids=list(part.bill_ids) or None,
        payment_id=payment.id,
    )


def _items(done: Sequence[tuple[HomePart, Settled]]) -> list[bank.Item]:
    laid: list[bank.Item] = []
    for part, settled in done:
        laid += [(part.unit_id, bill_id, fen) for bill_id, fen in settled.allocations]
        if settled.credit_fen:
            laid.append((part.unit_id, None, settled.credit_fen))
    return laid
