"""Bill runs: preview, confirm, withdraw."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from app.billing.api import api
from app.billing.models import BillRun
from app.billing.runs import service as runs
from app.billing.schemas import PreviewIn, RunOut, WithdrawIn
from app.kernel.db import db
from app.kernel.errors import N_, NotFound
from app.web.api import PageArguments, list_of, page_of
from app.web.door import needs
from app.web.idempotency import idempotent


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
