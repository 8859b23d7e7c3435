"""Which currency a statement is in, and the refusal of one that is not ours."""

from __future__ import annotations

import unicodedata

from app.kernel.errors import N_
from app.payments.statements.cells import clean
from app.payments.statements.lines import StatementError

CNY = "CNY"
_NAMES = {
    "人民币": CNY, "人民币元": CNY, "rmb": CNY, "cny": CNY, "156": CNY, "001": CNY, "01": CNY,
    "元": CNY, "¥": CNY, "10": CNY, "人民币钞": CNY, "美元": "USD", "港币": "HKD", "港元": "HKD",
    "欧元": "EUR", "日元": "JPY", "英镑": "GBP", "澳门元": "MOP", "新台币": "TWD",
}  # fmt: skip


def code_of(raw: str) -> str:
    """A currency as three letters where we know its name; otherwise as written, at most 12."""
    plain = unicodedata.normalize("NFKC", clean(raw))
    return _NAMES.get(plain.casefold(), plain.upper()[:12])


def check(found: str, wanted: str, row: int) -> None:
    """Refuse a file, or a row of it, in another currency. Raises StatementError."""
    if found and found != wanted:
        raise StatementError(
            "statement.currency",
            N_(
                "第 %(row)s 行的币种是 %(currency)s，这里只能导入 %(wanted)s 的账单。"
                "请在银行下载时只选 %(wanted)s 账户。"
            ),
            row=row,
            currency=found,
            wanted=wanted,
        )
