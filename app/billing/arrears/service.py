"""Reminders and late damages: written, recorded, never automatic. Never commits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.billing.arrears import queries, rules
from app.billing.arrears.letter import letter
from app.billing.arrears.rows import LateBill
from app.billing.bills import service as bills
from app.billing.bills.queries import sheet
from app.billing.dunning.queries import agreements
from app.billing.models import BillNote
from app.kernel import audit, clock, counters, outbox
from app.kernel.errors import N_, Conflict, NotFound, RuleBroken


@dataclass(frozen=True)
class Reminder:
    """A reminder that was written: its number and the paper."""

    number: str
    content: bytes


def charge_damages(community_id: int, bill_id: int) -> BillNote:
    """Add the late damages a bill has run up to today as a debit note, on someone's request.

    What was charged before is taken off, so asking twice adds nothing twice. Raises NotFound,
    Conflict when there is nothing to add, RuleBroken when the contract has no such clause or a
    kept instalment plan pays the bill. Source: RULES C7.
    """
    terms = queries.late_terms(community_id)
    if not terms:
        raise RuleBroken("damages.no_terms", N_("合同没有登记违约金条款，不能加收。"))
    if bill_id in agreements.bills_in_plans(community_id, clock.today()):
        raise RuleBroken("damages.plan", N_("分期协议履行期间不加收违约金。"))
    bills.lock_bill(community_id, bill_id)  # two requests at once: the second sees the first's
    late = _late(community_id, bill_id, terms)
    if late.chargeable_fen <= 0:
        raise Conflict("damages.none", N_("这张账单目前没有可加收的违约金。"))
    return bills.correct(
        community_id,
        bill_id,
        "debit",
        late.chargeable_fen,
        terms[-1].document_no,  # the clause is the reason
        ground="damages",
    )


def remind(community_id: int, unit_id: int, payer_id: int | None = None) -> Reminder:
    """Write a reminder for a home's overdue bills of one payer, and record that it was written.

    The payer of the oldest overdue bill unless another is named: a reminder goes to the person
    who owes, not to whoever owns the home now. The record matters, for a demand restarts the
    three years of limitation (C9). Raises NotFound when nothing is overdue.
    """
    today = clock.today()
    late = queries.late_bills(community_id, unit_id, today, ())
    if payer_id is None and late:
        payer_id = late[0].payer_id
    owed = [one for one in late if one.payer_id == payer_id]
    if not owed:
        raise NotFound("arrears.none", N_("这一户没有逾期的账单。"))
    full = sheet.bill(community_id, owed[0].bill_id)
    serial = counters.reserve(community_id, "reminder")
    number = f"{today:%Y%m%d}-{serial:04d}"
    content = letter(full.letterhead, full.bill, owed, today, number=number)
    facts = {
        "number": number,
        "payer": payer_id,
        "bills": [one.bill_id for one in owed],
        "open_fen": sum(one.open_fen for one in owed),
        "days": rules.DUNNING_DAYS,
    }
    audit.record("arrears:reminded", f"unit:{unit_id}", community_id=community_id, after=facts)
    outbox.tell(community_id, "arrears:reminded", {"unit_id": str(unit_id), "number": number})
    return Reminder(number, content)


def _late(community_id: int, bill_id: int, terms: Sequence[rules.Terms]) -> LateBill:
    unit_id = sheet.bill(community_id, bill_id).bill.unit_id
    for one in queries.late_bills(community_id, unit_id, clock.today(), terms):
        if one.bill_id == bill_id:
            return one
    raise Conflict("damages.none", N_("这张账单目前没有可加收的违约金。"))
