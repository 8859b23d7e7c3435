"""Dunning to read by programs: cases, promises, plans, limitation, the collection rate."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from app.billing.api import api
from app.billing.dunning.queries import agreements, cases, collection
from app.billing.dunning.words import NEXT_WORDS, PLAN_WORDS, PROMISE_WORDS, STAGE_WORDS
from app.kernel import clock
from app.web.api import PageArguments, list_of, slice_of
from app.web.door import needs
from app.web.fields import Choice, Date, Id, Money, Month, Schema


class _Owing(Schema):
    """Whose."""

    id = Id(required=True)
    unit_id = Id(required=True)
    unit_label = fields.String(required=True)
    payer_id = Id(allow_none=True)
    payer_name = fields.String(allow_none=True)


class DunningCaseOut(_Owing):
    """An open case: what is overdue, the last step, the next and its first day."""

    open_fen = Money(required=True)
    bill_count = fields.Integer(required=True)
    oldest_due_on = Date(allow_none=True)
    stage_kind = Choice(STAGE_WORDS, required=True)
    next_kind = Choice(NEXT_WORDS, required=True)
    next_on = Date(allow_none=True)
    state = fields.String(required=True)
    limitation_on = Date(allow_none=True)


class PromiseOut(_Owing):
    """A promise to pay, held against what came in since."""

    case_id = Id(required=True)
    made_on = Date(required=True)
    pay_on = Date(required=True)
    amount_fen = Money(required=True)
    received_fen = fields.Integer(required=True)
    state = Choice(PROMISE_WORDS, required=True)


class PartOut(Schema):
    """An instalment."""

    no = fields.Integer(required=True)
    pay_on = Date(required=True)
    amount_fen = Money(required=True)


class PlanOut(_Owing):
    """An instalment plan with its parts."""

    case_id = Id(required=True)
    number = fields.String(required=True)
    signed_on = Date(allow_none=True)
    total_fen = Money(required=True)
    paid_fen = fields.Integer(required=True)
    state = Choice(PLAN_WORDS, required=True)
    parts = fields.List(fields.Nested(PartOut), required=True)


class CohortOut(Schema):
    """A month's bills and what came in for them; null where the days are not over."""

    month = Month(required=True)
    bill_count = fields.Integer(required=True)
    billed_fen = fields.Integer(required=True)
    d30_fen = fields.Integer(allow_none=True)
    d90_fen = fields.Integer(allow_none=True)
    d365_fen = fields.Integer(allow_none=True)
    to_date_fen = fields.Integer(required=True)


@api.route("/dunning/cases")
@needs("arrears.work")
@api.arguments(PageArguments, location="query")
@api.response(200, list_of(DunningCaseOut))
def list_cases(arguments: dict[str, Any], community_id: int) -> dict[str, Any]:
    """Open cases by room."""
    return slice_of(cases.cases(community_id, clock.today()), **arguments)


@api.route("/dunning/promises")
@needs("arrears.work")
@api.arguments(PageArguments, location="query")
@api.response(200, list_of(PromiseOut))
def list_promises(arguments: dict[str, Any], community_id: int) -> dict[str, Any]:
    """Promises to pay, the newest first."""
    return slice_of(agreements.promises(community_id, clock.today()), **arguments)


@api.route("/dunning/plans")
@needs("arrears.work")
@api.arguments(PageArguments, location="query")
@api.response(200, list_of(PlanOut))
def list_plans(arguments: dict[str, Any], community_id: int) -> dict[str, Any]:
    """Instalment plans, the newest first."""
    return slice_of(agreements.plans(community_id, clock.today()), **arguments)


@api.route("/collection")
@needs("arrears.read")
@api.arguments(PageArguments, location="query")
@api.response(200, list_of(CohortOut))
def list_collection(arguments: dict[str, Any], community_id: int) -> dict[str, Any]:
    """The last 24 months billed, with what came in within 30, 90 and 365 days and to date."""
    return slice_of(collection.cohorts([community_id], clock.today()), **arguments)
