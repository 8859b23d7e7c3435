"""What tests of pages share: reading an answer, signing in by the form."""

from __future__ import annotations

from typing import Any

from app.identity.models import Account
from app.kernel import clock
from tests.people import (
    PASSWORD,
    Browser,
)


def words(answer: Any) -> str:
    text_of: str = answer.get_data(as_text=True)
    return text_of


def enter(client: Browser, account: Account, password: str = PASSWORD, **options: Any) -> Any:
    return client.submit("/sign-in", {"login": account.phone, "password": password}, **options)


def grant_form(role: str, login: str, name: str = "赵敏") -> dict[str, str]:
    return {
        "name": name,
        "login": login,
        "role": role,
        "starts_on": clock.today().isoformat(),
        "ends_on": "",
    }
