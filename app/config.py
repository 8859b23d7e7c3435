"""Settings, from the environment alone; the same names in a laptop and in production."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

LANGUAGES = {"zh_Hans_CN": "中文", "en": "English"}


def settings(environment: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Read every setting. Raises KeyError naming the one that is missing.

    DATABASE_URL must name a role that is neither superuser nor owner of the tables, or
    row-level security is void; migrations use MIGRATION_DATABASE_URL.
    """
    production = environment.get("LINLI_ENV", "dev") == "production"
    return {
        "LINLI_ENV": environment.get("LINLI_ENV", "dev"),
        "SECRET_KEY": environment["SECRET_KEY"],
        "LINLI_FIELD_KEY": environment["LINLI_FIELD_KEY"],
        "LINLI_DIGEST_KEY": environment.get("LINLI_DIGEST_KEY", environment["SECRET_KEY"]),
        "SQLALCHEMY_DATABASE_URI": environment["DATABASE_URL"],
        "SQLALCHEMY_ENGINE_OPTIONS": {
            "pool_pre_ping": True,
            "pool_size": int(environment.get("LINLI_POOL_SIZE", "5")),
            "connect_args": {"prepare_threshold": None, "application_name": "linli"},
        },
        "MIGRATION_DATABASE_URL": environment.get("MIGRATION_DATABASE_URL"),
        "REDIS_URL": environment["REDIS_URL"],
        "STORAGE_DIR": environment.get("STORAGE_DIR", ".linli/var/files"),
        "PUBLIC_URL": environment.get("PUBLIC_URL", "http://127.0.0.1:8000").rstrip("/"),
        **_gateway(environment, production=production),
        "METRICS_TOKEN": environment.get("LINLI_METRICS_TOKEN", ""),
        "TRUSTED_PROXIES": int(environment.get("LINLI_TRUSTED_PROXIES", "0")),
        # Offers the demonstration accounts on the sign-in page: never where people's data are
        "DEMO": environment.get("LINLI_DEMO") == "1",
        "PASSWORD_COST": environment.get("LINLI_PASSWORD_COST", "standard"),
        "MAX_CONTENT_LENGTH": 21 * 1024 * 1024,
        "SESSION_COOKIE_NAME": "linli",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": production,
        "PERMANENT_SESSION_LIFETIME": 12 * 3600,
        "WTF_CSRF_TIME_LIMIT": None,  # as long as the session: an elder may leave a form open
        "BABEL_DEFAULT_LOCALE": "zh_Hans_CN",
        "BABEL_DEFAULT_TIMEZONE": "Asia/Shanghai",
        # limits names a socket its own way
        "RATELIMIT_STORAGE_URI": re.sub(r"^unix:", "redis+unix:", environment["REDIS_URL"]),
        "RATELIMIT_HEADERS_ENABLED": True,
        "RATELIMIT_ENABLED": environment.get("LINLI_THROTTLE", "on") == "on",
    }


def _gateway(environment: Mapping[str, str], *, production: bool) -> dict[str, Any]:
    """Keys of the payment gateway; without them nothing is paid online.

    STRIPE_WEBHOOK_SECRET may list several, so that a secret is changed without losing what the
    gateway says meanwhile. STRIPE_API_BASE leads to the sandbox or a test's counterpart, and
    is refused in production: there money is real or there is none.
    """
    base = environment.get("STRIPE_API_BASE", "").rstrip("/")
    if production and base:
        raise ValueError("STRIPE_API_BASE (the sandbox) must not be set in production")
    secrets = environment.get("STRIPE_WEBHOOK_SECRET", "").replace(",", " ").split()
    return {
        "STRIPE_SECRET_KEY": environment.get("STRIPE_SECRET_KEY", ""),
        "STRIPE_WEBHOOK_SECRETS": tuple(secrets),
        "STRIPE_API_BASE": base,
    }
