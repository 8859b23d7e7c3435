"""Requests for fapiao: asked once for a receipt, issued with a number or refused. Never commits."""

from __future__ import annotations

import re
from datetime import date

from sqlalchemy import func, select

from app.kernel import audit, clock, outbox
from app.kernel.db import db
from app.kernel.errors import N_, Conflict, NotFound, RuleBroken
from app.payments.receipts import queries
from app.payments.receipts.models import TITLE_KINDS, FapiaoRequest, Receipt

EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]+\.[^@\s]+")
TAX_NUMBER = re.compile(r"[0-9A-Z]{15}|[0-9A-Z]{17,18}|[0-9A-Z]{20}")


def ask(
    community_id: int,
    receipt_id: int,
    *,
    title_kind: str,
    title: str,
    tax_number: str = "",
    email: str = "",
) -> FapiaoRequest:
    """Ask for a fapiao on what is left of a receipt; a company names its tax number.

    Not twice for one receipt, unless the first was refused. The sum is the resident's own: the
    street's subsidy is never in a receipt. Raises NotFound, RuleBroken, Conflict.
    """
    tax_number = tax_number.strip().upper()
    _check(title_kind, title.strip(), tax_number, email.strip())
    receipt = db.session.scalars(
        select(Receipt).filter_by(community_id=community_id, id=receipt_id).with_for_update()
    ).one_or_none()
    if receipt is None:
        raise NotFound("receipt.none", queries.NONE)
    if receipt.voided_at is not None:
        raise Conflict("fapiao.void", N_("这张收据已作废，不能开发票。"))
    known = queries.request_of(community_id, receipt_id)
    if known is not None and known.status != "refused":
        raise Conflict("fapiao.asked", N_("这张收据已申请过发票。"))
    request = FapiaoRequest(
        community_id=community_id,
        receipt_id=receipt_id,
        title_kind=title_kind,
        title=title.strip(),
        tax_number=tax_number,
        email=email.strip(),
        amount_fen=receipt.amount_fen - receipt.returned_fen,
        asked_by=audit.actor().account_id,
        created_at=clock.now(),
    )
    db.session.add(request)
    db.session.flush()
    audit.record(
        "fapiao:asked", _subject(request), community_id=community_id, after=_facts(request)
    )
    return request


def issue(
    community_id: int, request_id: int, *, fapiao_number: str, issued_on: date
) -> FapiaoRequest:
    """Note the number under which the tax system issued it. Raises NotFound, Conflict."""
    request = _lock_asked(community_id, request_id)
    if not re.fullmatch(r"\d{8,20}", fapiao_number.strip(), re.ASCII):
        raise RuleBroken("fapiao.number", N_("发票号码是 8 到 20 位数字。"), field="fapiao_number")
    if issued_on > clock.today():
        raise RuleBroken("fapiao.day", N_("开票日期不能晚于今天。"), field="issued_on")
    taken = db.session.scalar(
        select(func.count())
        .select_from(FapiaoRequest)
        .filter_by(community_id=community_id, fapiao_number=fapiao_number.strip())
    )
    if taken:
        raise Conflict(
            "fapiao.number_taken", N_("这个发票号码已登记在另一张申请上。"), field="fapiao_number"
        )
    request.status, request.fapiao_number = "issued", fapiao_number.strip()
    request.issued_on = issued_on
    _decided(request)
    audit.record(
        "fapiao:issued", _subject(request), community_id=community_id, after=_facts(request)
    )
    return request


def refuse(community_id: int, request_id: int, *, reason: str) -> FapiaoRequest:
    """Send a request back with a reason; it may be asked again. Raises NotFound, Conflict."""
    if not reason.strip():
        raise RuleBroken("fapiao.reason", N_("请写明退回的原因。"), field="reason")
    request = _lock_asked(community_id, request_id)
    request.status, request.reason = "refused", reason.strip()
    _decided(request)
    audit.record(
        "fapiao:refused", _subject(request), community_id=community_id, after=_facts(request)
    )
    return request


def _check(title_kind: str, title: str, tax_number: str, email: str) -> None:
    if title_kind not in TITLE_KINDS or not title:
        raise RuleBroken("fapiao.title", N_("请填写发票抬头。"), field="title")
    if title_kind == "company" and not TAX_NUMBER.fullmatch(tax_number):
        raise RuleBroken(
            "fapiao.tax_number",
            N_("单位须填写纳税人识别号（15 至 20 位数字或大写字母）。"),
            field="tax_number",
        )
    if email and not EMAIL.fullmatch(email):
        raise RuleBroken("fapiao.email", N_("邮箱地址不对，请核对。"), field="email")


def _lock_asked(community_id: int, request_id: int) -> FapiaoRequest:
    request = db.session.scalars(
        select(FapiaoRequest)
        .filter_by(community_id=community_id, id=request_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if request is None:
        raise NotFound("fapiao.none", N_("没有这份发票申请。"))
    if request.status != "asked":
        raise Conflict("fapiao.decided", N_("这份申请已经办理过了。"))
    return request


def _decided(request: FapiaoRequest) -> FapiaoRequest:
    request.decided_at, request.decided_by = clock.now(), audit.actor().account_id
    db.session.flush()
    topic = f"fapiao:{request.status}"
    outbox.tell(request.community_id, topic, {"request_id": str(request.id)})
    return request


def _subject(request: FapiaoRequest) -> str:
    return f"receipt:{request.receipt_id}"


def _facts(request: FapiaoRequest) -> dict[str, object]:
    return {
        "request": request.id,
        "amount_fen": request.amount_fen,
        "number": request.fapiao_number,
        "reason": request.reason,
    }
