"""Refusals as pages or JSON, in one place and one shape."""

from __future__ import annotations

from typing import Any

import structlog
from flask import Flask, Response, g, jsonify, make_response, render_template, request
from flask_babel import gettext
from sqlalchemy.exc import DataError, IntegrityError, OperationalError
from werkzeug.exceptions import HTTPException

from app.kernel.db import db
from app.kernel.errors import N_, Conflict, HouseError, Invalid, RuleBroken

log = structlog.get_logger(__name__)

HTTP_SENTENCES = {
    400: N_("请求无法理解。请返回上一页重试。"),
    401: N_("请先登录。"),
    403: N_("您没有权限执行此操作。"),
    404: N_("没有找到这个页面，或者您无权查看。"),
    405: N_("此地址不支持这种操作。"),
    409: N_("数据已被他人更新，请刷新后重试。"),
    413: N_("文件过大，请压缩或拆分后再上传。"),
    415: N_("不支持这种文件或内容类型。"),
    422: N_("请更正标出的内容。"),
    429: N_("操作过于频繁，请稍后再试。"),
    500: N_("系统出错，已记录。请稍后再试，或把请求编号告诉管理员。"),
    503: N_("系统繁忙，请稍后再试。"),
}


def sentence(error: HouseError) -> str:
    """The refusal in the reader's language."""
    text = gettext(error.message)
    values = {key: str(value) for key, value in error.params.items()}
    return text % values if values else text


def wants_json() -> bool:
    """Whether the caller is a program."""
    return request.path.startswith("/api/")


def set_up(app: Flask) -> None:
    """Register the handlers."""
    app.register_error_handler(HouseError, _house_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(IntegrityError, _integrity_error)
    app.register_error_handler(DataError, _data_error)
    app.register_error_handler(OperationalError, _busy)
    app.register_error_handler(Exception, _crash)


def answer(status: int, code: str, message: str, **extra: Any) -> Response:
    """One error as this caller reads it: `{"error": {code, message, request_id, fields?}}` or a page."""
    if wants_json():
        body = {"code": code, "message": message, "request_id": g.get("request_id", ""), **extra}
        return make_response(jsonify(error=body), status)
    try:
        page = render_template(
            "errors/error.html", status=status, message=message, request_id=g.get("request_id", "")
        )
    except Exception:  # the page itself may be what is broken
        log.exception("error_page.failed")
        page = message
    return make_response(page, status)


def _house_error(error: HouseError) -> Response:
    db.session.rollback()
    extra: dict[str, Any] = {}
    if isinstance(error, Invalid):
        extra["fields"] = error.errors
    elif error.field:
        extra["fields"] = {error.field: [sentence(error)]}
    return answer(error.status, error.code, sentence(error), **extra)


def _http_error(error: HTTPException) -> Response:
    if error.response is not None:  # a redirect raised on purpose
        return make_response(error.response)
    status = error.code or 500
    fields = (getattr(error, "data", None) or {}).get("messages")  # webargs' findings
    extra = {"fields": fields} if fields else {}
    known = HTTP_SENTENCES.get(status, HTTP_SENTENCES[400 if status < 500 else 500])
    response = answer(status, f"http.{status}", gettext(known), **extra)
    for name, value in error.get_headers():
        if name.lower() in {"allow", "retry-after", "www-authenticate"}:
            response.headers[name] = value
    return response


def _integrity_error(error: IntegrityError) -> Response:
    name = getattr(getattr(error.orig, "diag", None), "constraint_name", None)
    log.warning("integrity", constraint=name)
    return _house_error(
        Conflict(f"db.{name}", N_("这次改动与已有的数据冲突，没有保存。请刷新后重试。"))
    )


def _data_error(_error: DataError) -> Response:
    return _house_error(RuleBroken("db.data", N_("数值超出允许的范围，没有保存。")))


def _busy(_error: OperationalError) -> Response:
    log.exception("database.unavailable")
    db.session.rollback()
    return answer(503, "http.503", gettext(HTTP_SENTENCES[503]))


def _crash(_error: Exception) -> Response:
    log.exception("crash")
    db.session.rollback()
    return answer(500, "http.500", gettext(HTTP_SENTENCES[500]))
