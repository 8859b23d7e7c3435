"""What the forms of receipts and fapiao bring."""

from __future__ import annotations

from app.kernel.errors import N_
from app.web.fields import Choice, Date, Schema, Text

TITLE_WORDS = {"person": N_("个人"), "company": N_("单位")}
FAPIAO_WORDS = {"asked": N_("待开"), "issued": N_("已开"), "refused": N_("已退回")}
STATUS_WORDS = {"good": N_("收据有效"), "part": N_("部分退款"), "void": N_("收据作废")}


class AskFapiao(Schema):
    """Whose name a fapiao bears and where it goes."""

    title_kind = Choice(TITLE_WORDS, load_default="person")
    title = Text(required=True, least=1, most=100)
    tax_number = Text(load_default="", most=20)
    email = Text(load_default="", most=120)


class IssueFapiao(Schema):
    """The number the tax system gave."""

    fapiao_number = Text(required=True, least=8, most=20)
    issued_on = Date(required=True)


class RefuseFapiao(Schema):
    """Why no fapiao is issued."""

    reason = Text(required=True, least=1, most=200)


class CheckReceipt(Schema):
    """A check code as printed."""

    code = Text(required=True, least=1, most=60)
