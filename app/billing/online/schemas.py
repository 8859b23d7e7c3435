"""What the forms of online payments bring, and the words of their states."""

from __future__ import annotations

from marshmallow import fields

from app.kernel.errors import N_
from app.web.fields import Choice, Flag, Id, Money, Schema, Text, Whole

STATUS_WORDS = {
    "started": N_("待付款"),
    "pending": N_("处理中"),
    "received": N_("已收款，入账中"),
    "settled": N_("已入账"),
    "failed": N_("付款没有成功"),
    "expired": N_("已放弃或过期"),
}
MEANS_WORDS = {
    "card": N_("银行卡"),
    "alipay": N_("支付宝"),
    "wechat_pay": N_("微信支付"),
}
REFUND_WORDS = {
    "requested": N_("待批准"),
    "approved": N_("已批准，待退"),
    "sent": N_("退款中"),
    "succeeded": N_("已退款"),
    "failed": N_("退款失败"),
    "rejected": N_("未批准"),
}
DISPUTE_WORDS = {
    "inquiry": N_("付款银行来询"),
    "open": N_("争议中，款项冻结"),
    "won": N_("胜诉，款项保留"),
    "lost": N_("败诉，款项已退"),
    "closed": N_("来询已结"),
}
OVERPAID_WORDS = {"credit": N_("留作该户预存款"), "refund": N_("原路退回付款人")}


class PayForm(Schema):
    """What a resident wants to pay; `ahead` holds `unit:months`, one per home."""

    bills = fields.List(Id())
    ahead = fields.List(Text(most=40))
    amount_fen = Money(load_default=None, allow_none=True)
    key = Text(required=True, least=8, most=64)


class AskRefund(Schema):
    """Money to give back; `key` is the form's own, so that sending it twice is once."""

    amount_fen = Money(required=True, least=1)
    reason = Text(required=True, least=1, most=200)
    key = Text(required=True, least=8, most=64)


class PaySettings(Schema):
    """How a community is paid online."""

    partial_payment = Flag()
    overpaid_policy = Choice(OVERPAID_WORDS, required=True)
    refund_alone_fen = Money(required=True)
    prepay_months = Whole(required=True, least=0, most=12)


class NewAccount(Schema):
    """A settlement account to begin."""

    gateway_account = Text(required=True, least=6, most=60)
    holder = Text(required=True, least=1, most=100)
