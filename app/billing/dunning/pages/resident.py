"""The resident's page: what is owed, what was agreed, whom to call; object or ask for parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext

from app.billing.bills.queries import own
from app.billing.bills.queries.own import OwnHome
from app.billing.bills.rows import BillRow
from app.billing.dunning import paper, service
from app.billing.dunning.pages.common import pages
from app.billing.dunning.queries import agreements, cases
from app.billing.dunning.queries import letters as happenings
from app.billing.dunning.rows import ObjectionRow, PauseRow, PlanRow
from app.billing.dunning.schemas import NewObjection
from app.billing.dunning.words import OBJECTION_WORDS, PART_WORDS, PLAN_WORDS, TONES
from app.kernel import audit, clock
from app.kernel.errors import N_, HouseError, NotFound
from app.kernel.money import Fen
from app.web.door import needs
from app.web.forms import blank_form, read_form


@dataclass(frozen=True)
class HomeArrears:
    """A home's overdue bills and what stands about them."""

    unit_id: int
    label: str
    late: tuple[BillRow, ...]
    pauses: tuple[PauseRow, ...]
    plans: tuple[PlanRow, ...]
    asked: tuple[ObjectionRow, ...]

    @property
    def open_fen(self) -> Fen:
        """What is overdue."""
        return sum(bill.open_fen for bill in self.late)


@pages.route("/c/<int:community_id>/my/arrears", methods=["GET", "POST"])
@needs("own.read")
def my_arrears(community_id: int) -> Any:
    """What is overdue on one's homes, pauses and plans; a form to object or ask."""
    homes = own.homes(community_id, _me())
    owing_now = [home.unit_id for home in homes if _late(home)]
    alone = {"unit_id": owing_now[0]} if len(owing_now) == 1 else {}
    form = blank_form(NewObjection, kind="instalments", **alone)
    if request.method == "POST":
        form = read_form(NewObjection)
        if form.ok:
            try:
                _object(community_id, homes, form.values)
            except HouseError as error:
                form.take(error)
            else:
                flash(gettext("已收到，答复之前不再催告。物业会尽快答复您。"))
                return redirect(url_for("dunning.my_arrears", community_id=community_id), 303)
    found = [_home(community_id, home) for home in homes]
    owing = [one for one in found if one.late]
    page = render_template(
        "dunning/my_arrears.html",
        homes=found,
        owing=[(str(one.unit_id), one.label) for one in owing],
        form=form,
        sender=paper.sender(community_id, clock.today()),
        OBJECTION_WORDS=OBJECTION_WORDS,
        PLAN_WORDS=PLAN_WORDS,
        PART_WORDS=PART_WORDS,
        TONES=TONES,
    )
    return page, 422 if form.errors else 200


def _late(home: OwnHome) -> tuple[BillRow, ...]:
    today = clock.today()
    return tuple(bill for bill in home.open_bills if bill.due_on < today)


def _object(community_id: int, homes: list[OwnHome], values: Any) -> None:
    home = next((one for one in homes if one.unit_id == values["unit_id"]), None)
    if home is None:
        raise NotFound("arrears.none", N_("这一户没有逾期的账单。"))
    payers = {bill.payer_id for bill in _late(home)}
    case_id = service.own_case(community_id, home.unit_id, payers)
    service.object_to(community_id, case_id, values["kind"], values["words"])


def _home(community_id: int, home: OwnHome) -> HomeArrears:
    today = clock.today()
    payers = {bill.payer_id for bill in home.bills}
    mine = [
        one
        for one in cases.cases(community_id, today, unit_id=home.unit_id)
        if one.payer_id in payers
    ]
    pauses: list[PauseRow] = []
    plans: list[PlanRow] = []
    asked: list[ObjectionRow] = []
    for one in mine:
        pauses += [
            pause
            for pause in happenings.pauses(community_id, one.id)
            if pause.ended_on is None and pause.until_on >= today
        ]
        plans += [
            plan
            for plan in agreements.plans(community_id, today, case_id=one.id)
            if plan.signed_on and plan.state not in {"ended", "done"}
        ]
        asked += happenings.objections(community_id, case_id=one.id)
    return HomeArrears(
        home.unit_id, home.label, _late(home), tuple(pauses), tuple(plans), tuple(asked)
    )


def _me() -> int:
    me = audit.actor().account_id
    assert me is not None, "the door lets in accounts alone"
    return me
