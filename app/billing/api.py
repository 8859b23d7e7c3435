"""The month for programs: tariffs, agreements, runs, bills, notes, arrears.

Writes that move money need an Idempotency-Key and a token made in a sign-in with a second
factor; the two persons of a run are two tokens of two accounts.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from app.billing.arrears import queries as arrears_queries
from app.billing.bills import service as bills
from app.billing.bills.queries import lists, sheet
from app.billing.models import Bill, BillRun
from app.billing.runs import service as runs
from app.billing.schemas import (
    ArrearsOut,
    BillArguments,
    BillOut,
    CorrectionIn,
    FullBillOut,
    NoteOut,
    PreviewIn,
    RunOut,
    SchemeOut,
    TariffOut,
    WithdrawIn,
)
from app.billing.subsidy import queries as subsidy_queries
from app.billing.tariffs import queries as tariff_queries
from app.kernel import clock
from app.kernel.db import db
from app.kernel.errors import N_, NotFound
from app.web.api import PREFIX, ApiBlueprint, PageArguments, list_of, page_of, slice_of
from app.web.door import needs
from app.web.idempotency import idempotent

api = ApiBlueprint(
    "month",
    __name__,
    url_prefix=f"{PREFIX}/communities/<int:community_id>",
    description="Tariffs, subsidy agreements, bill runs, bills and arrears.",
)


@api.route("/tariffs")
@needs("tariff.read")
@api.response(200, TariffOut(many=True))
def tariffs(community_id: int) -> Any:
    """The community's charges with their price today and the next one."""
    return tariff_queries.tariffs(community_id, clock.today())


@api.route("/subsidies")
@needs("subsidy.read")
@api.response(200, SchemeOut(many=True))
def subsidies(community_id: int) -> Any:
    """The agreements by which a street pays part of the fee."""
    return subsidy_queries.schemes(community_id)


@api.route("/runs")
@needs("run.read")
@api.arguments(PageArguments, location="query")
@api.response(200, list_of(RunOut))
def list_runs(arguments: dict[str, Any], community_id: int) -> dict[str, Any]:
    """Bill runs, the latest month first."""
    rows = select(*BillRun.__table__.columns).where(BillRun.community_id == community_id)
    return page_of(
        rows, arguments["page"], arguments["per_page"], BillRun.month.desc(), BillRun.id.desc()
    )


@api.route("/runs", methods=["POST"])
@idempotent(api)
@needs("run.prepare")
@api.arguments(PreviewIn)
@api.response(201, RunOut)
def preview(wanted: dict[str, Any], community_id: int) -> Any:
    """Compute a month without issuing it; an older preview of the month is discarded."""
    return runs.preview_run(community_id, wanted["month"], due_on=wanted.get("due_on"))


@api.route("/runs/<int:run_id>")
@needs("run.read")
@api.response(200, RunOut)
def run(community_id: int, run_id: int) -> Any:
    """One run."""
    found = db.session.get(BillRun, (community_id, run_id))
    if found is None:
        raise NotFound("run.none", N_("没有这个出账批次。"))
    return found


@api.route("/runs/<int:run_id>/confirmation", methods=["POST"])
@idempotent(api)
@needs("run.confirm")
@api.response(201, RunOut)
def confirm(community_id: int, run_id: int) -> Any:
    """Issue a preview as it was looked at, by another person than who prepared it."""
    return runs.confirm_run(community_id, run_id)


@api.route("/runs/<int:run_id>/withdrawal", methods=["POST"])
@idempotent(api)
@needs("run.withdraw")
@api.arguments(WithdrawIn)
@api.response(201, RunOut)
def withdraw(wanted: dict[str, Any], community_id: int, run_id: int) -> Any:
    """Take back an issued run on which nothing was paid or noted."""
    return runs.withdraw_run(community_id, run_id, wanted["reason"])


@api.route("/bills")
@needs("bill.read")
@api.arguments(BillArguments, location="query")
@api.response(200, list_of(BillOut))
def list_bills(arguments: dict[str, Any], community_id: int) -> dict[str, Any]:
    """Bills, the latest month first, then by room."""
    rows = lists.bills(community_id)
    if "month" in arguments:
        rows = rows.where(Bill.month == arguments["month"].first)
    if "unit_id" in arguments:
        rows = rows.where(Bill.unit_id == arguments["unit_id"])
    if "status" in arguments:
        rows = lists.with_status(rows, arguments["status"], clock.today())
    return page_of(rows, arguments["page"], arguments["per_page"], Bill.month.desc(), Bill.id)


@api.route("/bills/<int:bill_id>")
@needs("bill.read")
@api.response(200, FullBillOut)
def one_bill(community_id: int, bill_id: int) -> Any:
    """A bill with every line and what it was computed from."""
    return sheet.bill(community_id, bill_id)


@api.route("/bills/<int:bill_id>/notes", methods=["POST"])
@idempotent(api)
@needs("bill.correct")
@api.arguments(CorrectionIn)
@api.response(201, NoteOut)
def correct(wanted: dict[str, Any], community_id: int, bill_id: int) -> Any:
    """Correct an issued bill by a credit or debit note with its own entry."""
    return bills.correct(community_id, bill_id, **wanted)


@api.route("/arrears")
@needs("arrears.read")
@api.arguments(PageArguments, location="query")
@api.response(200, list_of(ArrearsOut))
def list_arrears(arguments: dict[str, Any], community_id: int) -> dict[str, Any]:
    """Units with open bills, by age."""
    return slice_of(arrears_queries.by_unit(community_id, clock.today()), **arguments)
