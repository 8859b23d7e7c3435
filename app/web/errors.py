"""Refusals as pages or JSON, in one place and one shape."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import structlog
from flask import Flask, Response, g, jsonify, make_response, render_template, request
from flask_babel import gettext
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DataError, IntegrityError, OperationalError
from werkzeug.exceptions import HTTPException

from app.kernel.db import db
from app.kernel.errors import N_, Conflict, HouseError, Invalid, RuleBroken
from app.web import shell
from app.web.fields import in_words
from app.web.preferences import safe_path

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


STALE_FORM = N_("这个页面放得太久，已经失效，没有保存。请返回、刷新后再提交一次。")


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
    app.register_error_handler(CSRFError, _form_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(IntegrityError, _integrity_error)
    app.register_error_handler(DataError, _data_error)
    app.register_error_handler(OperationalError, _busy)
    app.register_error_handler(Exception, _crash)


def answer(status: int, code: str, message: str, **extra: Any) -> Response:
    """One error as this caller reads it: JSON in the API's one shape, or a page with a way back.

    The shape is `{"error": {code, message, request_id, fields?}}`. The page stands alone,
    without a menu, so that it needs nothing that may be what is broken.
    """
    if wants_json():
        body = {"code": code, "message": message, "request_id": g.get("request_id", ""), **extra}
        return make_response(jsonify(error=body), status)
    shell.use(shell.PLAIN)
    try:
        page = render_template(
            "errors/error.html",
            status=status,
            message=message,
            sentences=[one for found in extra.get("fields", {}).values() for one in found],
            back=way_back(),
            request_id=g.get("request_id", ""),
        )
    except Exception:  # the page itself may be what is broken
        log.exception("error_page.failed")
        page = message
    return make_response(page, status)


def way_back() -> str | None:
    """The page of ours the reader came from, if it is another one than this."""
    came_from = urlsplit(request.referrer or "")
    if came_from.netloc != request.host or came_from.path in {request.path, "/"}:
        return None
    query = f"?{came_from.query}" if came_from.query else ""
    return safe_path(came_from.path + query)


def _form_error(_error: CSRFError) -> Response:
    return answer(400, "http.stale_form", gettext(STALE_FORM))


def _house_error(error: HouseError) -> Response:
    db.session.rollback()
    extra: dict[str, Any] = {}
    if isinstance(error, Invalid):
        extra["fields"] = {
            name: [in_words(one) for one in found] for name, found in error.errors.items()
        }
    elif error.field:
        extra["fields"] = {error.field: [sentence(error)]}
    return answer(error.status, error.code, sentence(error), **extra)


def _http_error(error: HTTPException) -> Response:
    if error.response is not None:  # a redirect raised on purpose
        return make_response(error.response)
    status = error.code or 500
    fields = (getattr(error, "data", None) or {}).get("messages")  # webargs' findings
    extra = {"fields": _worded(fields)} if fields else {}
    known = HTTP_SENTENCES.get(status, HTTP_SENTENCES[400 if status < 500 else 500])
    response = answer(status, f"http.{status}", gettext(known), **extra)
    for name, value in error.get_headers():
        if name.lower() in {"allow", "retry-after", "www-authenticate"}:
            response.headers[name] = value
    return response


def _worded(found: Any) -> Any:
    """webargs' findings with every sentence in the reader's language."""
    if isinstance(found, dict):
        return {str(key): _worded(value) for key, value in found.items()}
    return [_worded(one) for one in found] if isinstance(found, list) else in_words(found)


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
