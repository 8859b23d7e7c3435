"""What every answer is guarded by: CSRF, throttling, security headers, caching."""

from __future__ import annotations

from flask import Flask, Response, current_app, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_wtf.csrf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from app.web import reader

csrf = CSRFProtect()
limiter = Limiter(get_remote_address, default_limits=[], headers_enabled=True)

POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
FOR_PROGRAMS = ("/api/", "/webhooks/")
A_YEAR = 365 * 24 * 3600


def set_up(app: Flask) -> None:
    """Trust the proxies we are told of, throttle, check forms, and seal every answer."""
    proxies = app.config["TRUSTED_PROXIES"]
    if proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=proxies
        )
    app.config["WTF_CSRF_CHECK_DEFAULT"] = False
    app.config.setdefault("WTF_CSRF_HEADERS", ["X-CSRFToken"])
    csrf.init_app(app)
    app.before_request(_check_form)
    limiter.init_app(app)
    app.after_request(_seal)


def _check_form() -> None:
    """Refuse a form that no page of ours sent.

    A program without our cookie has nothing a stranger's page could borrow, so a bearer
    token needs no form token; whoever brings the cookie brings the form token too.
    """
    if not current_app.config["WTF_CSRF_ENABLED"]:
        return
    cookie = request.cookies.get(current_app.config["SESSION_COOKIE_NAME"])
    if request.path.startswith(FOR_PROGRAMS) and cookie is None:
        return
    csrf.protect()


def _seal(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if current_app.config["LINLI_ENV"] == "production":
        response.headers.setdefault(
            "Strict-Transport-Security", f"max-age={A_YEAR}; includeSubDomains"
        )
    _say_how_long_to_keep(response)
    return response


def _say_how_long_to_keep(response: Response) -> None:
    if request.endpoint == "static":
        kept = "v" in request.args and response.status_code in {200, 206, 304}
        response.headers["Cache-Control"] = (
            f"public, max-age={A_YEAR}, immutable" if kept else "no-cache"
        )
    elif "Cache-Control" not in response.headers:
        # A page may show somebody's bill: neither a proxy nor the back button keeps it.
        private = reader.reader() is not None or request.method != "GET"
        response.headers["Cache-Control"] = "no-store" if private else "no-cache, private"
