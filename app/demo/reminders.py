"""A few homes in arrears as they might stand: reminded, promised, in instalments, paused."""

from __future__ import annotations

from datetime import timedelta

from app.billing.dunning import service
from app.billing.dunning.queries import cases
from app.kernel import audit, clock
from app.kernel.db import transaction

LATELY = timedelta(days=20)


def remind(community_id: int, cashier: int) -> None:
    """Open the cases; of those that owe most, take down what became of six."""
    today = clock.today()
    who = audit.Actor(account_id=cashier, name="陈静", via="web")
    with clock.moved_to(today - LATELY), transaction(), audit.acting(who):
        service.look(community_id)
        for row in sorted(cases.cases(community_id, clock.today()), key=_most)[:6]:
            if row.state == "ready":
                service.record_act(
                    community_id,
                    row.id,
                    "phone",
                    clock.today(),
                    said="知道了，最近手头紧",
                    done="说明了账单和补贴，约定再联系",
                    as_step=True,
                )
    with transaction(), audit.acting(who):
        service.look(community_id)
        owing = sorted(cases.cases(community_id, today), key=_most)[:3]
        if len(owing) == 3:
            _agree(community_id, *owing)


def _agree(
    community_id: int, paused: cases.CaseRow, promised: cases.CaseRow, parted: cases.CaseRow
) -> None:
    today = clock.today()
    service.pause(
        community_id, paused.id, "illness", "住院三个月，女儿来说明", today + timedelta(days=70)
    )
    service.promise(
        community_id, promised.id, today + timedelta(days=12), promised.open_fen, "发工资那天交"
    )
    plan = service.draw_up(
        community_id, parted.id, [debt.bill_id for debt in parted.debts], 6, today
    )
    service.sign(community_id, plan.id, today)


def _most(row: cases.CaseRow) -> tuple[int, int]:
    return -row.open_fen, row.id
