"""Bills with their lines, corrections by notes, arrears by age."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from app.billing.api import api
from app.billing.arrears import queries as arrears_queries
from app.billing.bills import service as bills
from app.billing.bills.queries import lists, sheet
from app.billing.models import Bill
from app.billing.schemas import (
    ArrearsOut,
    BillArguments,
    BillOut,
    CorrectionIn,
    FullBillOut,
    NoteOut,
)
from app.kernel import clock
from app.web.api import PageArguments, list_of, page_of, slice_of
from app.web.door import needs
from app.web.idempotency import idempotent
from app.web.reader import allowed_actions, place


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
    rows = arrears_queries.by_unit(community_id, clock.today())
    if "roster.people" not in allowed_actions(place()):  # sums without rooms: RULES G4
        rows = [replace(one, unit_label=f"{one.building_code}-***") for one in rows]
    return slice_of(rows, **arguments)
