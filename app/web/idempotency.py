"""A write by a program happens once per key, and a repeat gets the first answer again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any

from flask import Response, current_app, make_response, request
from flask_smorest import Blueprint
from sqlalchemy import BigInteger, Integer, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel import audit, clock
from app.kernel.db import Base, db
from app.kernel.errors import N_, Conflict, RuleBroken
from app.kernel.tenancy import NOWHERE

HEADER = "Idempotency-Key"
PARAMETER = {
    "in": "header",
    "name": HEADER,
    "required": True,
    "schema": {"type": "string", "minLength": 8, "maxLength": 64, "pattern": "^[A-Za-z0-9_-]+$"},
    "description": "The same key with the same request gives the first answer again;"
    " with another request it is refused (409). Kept for ever.",
}


class IdempotencyRecord(Base):
    """What an account asked for under a key, and what it was told."""

    __tablename__ = "idempotency_record"
    community_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    account_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    request_digest: Mapped[bytes]
    status: Mapped[int | None] = mapped_column(Integer)
    body: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]


def idempotent(blueprint: Blueprint) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Wrap a documented view, directly below its route.

    The key, the act and the answer commit together: a crash before the commit leaves none of
    them, so the retry acts for the first time; two at once wait for each other at the key.
    A refusal is not kept, so a corrected request may use the key again.
    """

    def wrap(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def once(*args: Any, **kwargs: Any) -> Response:
            community_id = int(kwargs.get("community_id", NOWHERE))
            known = _take(community_id)
            if known is not None:
                return _again(known)
            response = make_response(current_app.make_response(view(*args, **kwargs)))
            if response.status_code < 400:
                _keep(community_id, response)
            return response

        documented: Callable[..., Any] = blueprint.doc(parameters=[PARAMETER])(once)
        return documented

    return wrap


def _key() -> str:
    key = request.headers.get(HEADER, "")
    plain = key.replace("-", "").replace("_", "")
    if not (8 <= len(key) <= 64 and plain.isascii() and plain.isalnum()):
        raise RuleBroken(
            "idempotency.key",
            N_("请在 Idempotency-Key 请求头中给出 8 至 64 位字母、数字、- 或 _。"),
        )
    return key


def _digest() -> bytes:
    told = f"{request.method} {request.path}\n".encode()
    return hashlib.sha256(told + request.get_data(cache=True)).digest()


def _take(community_id: int) -> IdempotencyRecord | None:
    """Claim the key, or return what it was used for."""
    row = {
        "c": community_id,
        "a": audit.actor().account_id or 0,
        "key": _key(),
        "digest": _digest(),
        "now": clock.now(),
    }
    claimed = db.session.execute(
        text(
            "INSERT INTO idempotency_record"
            " (community_id, account_id, key, request_digest, created_at)"
            " VALUES (:c, :a, :key, :digest, :now)"
            " ON CONFLICT (community_id, account_id, key) DO NOTHING RETURNING key"
        ),
        row,
    ).one_or_none()
    if claimed is not None:
        return None
    known = db.session.get_one(IdempotencyRecord, (row["c"], row["a"], row["key"]))
    if bytes(known.request_digest) != row["digest"]:
        raise Conflict(
            "idempotency.reused", N_("这个 Idempotency-Key 已用于另一个请求，请换一个。")
        )
    return known


def _keep(community_id: int, response: Response) -> None:
    db.session.execute(
        text(
            "UPDATE idempotency_record SET status = :status, body = :body"
            " WHERE community_id = :c AND account_id = :a AND key = :key"
        ),
        {
            "status": response.status_code,
            "body": response.get_data(as_text=True),
            "c": community_id,
            "a": audit.actor().account_id or 0,
            "key": _key(),
        },
    )


def _again(known: IdempotencyRecord) -> Response:
    response = Response(known.body, status=known.status or 200, mimetype="application/json")
    response.headers["Idempotent-Replay"] = "true"
    return response
