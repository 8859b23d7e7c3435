# ruff: noqa: E501 -- markup reads worse when it is broken
"""The stub's own pages: a checkout on which one chooses what happens, and its back room."""

from __future__ import annotations

from html import escape
from typing import Any

Thing = dict[str, Any]

STYLE = """
:root{color-scheme:light}*{box-sizing:border-box}
body{margin:0;font:16px/1.6 system-ui,"Noto Sans CJK SC",sans-serif;background:#f4f4f0;color:#222}
.mark{background:#7a1fa2;color:#fff;text-align:center;padding:.6rem 1rem;font-weight:700}
main{max-width:30rem;margin:0 auto;padding:1.2rem}main.wide{max-width:60rem}
h1{font-size:1.15rem;margin:.4rem 0}.sum{font-size:2.2rem;font-weight:700;margin:.2rem 0 1rem}
.box{background:#fff;border:1px solid #ddd;border-radius:12px;padding:1.2rem;margin-bottom:1rem}
form{margin:0}button{display:block;width:100%;min-height:48px;margin:.5rem 0;border-radius:8px;
border:1px solid #7a1fa2;background:#fff;color:#5b1579;font:inherit;cursor:pointer;padding:.4rem .8rem;text-align:left}
button.pay{background:#7a1fa2;color:#fff;font-weight:600}small{display:block;opacity:.75}
.no{background:#fde8e8;border:1px solid #c33;border-radius:8px;padding:.6rem .8rem}
table{width:100%;border-collapse:collapse;font-size:.9rem}td,th{text-align:left;padding:.4rem;border-bottom:1px solid #eee}
td button{display:inline-block;width:auto;min-height:0;margin:.1rem;padding:.2rem .6rem}.scroll{overflow-x:auto}
"""
MARK = "沙箱：这里不动真钱 · SANDBOX: no real money"

CHOICES = (
    ("pay", "card", "用银行卡付款", "Pay by card", "成功 · succeeds"),
    ("pay", "alipay", "用支付宝付款", "Pay with Alipay", "成功 · succeeds"),
    ("pay", "wechat_pay", "用微信付款", "Pay with WeChat Pay", "成功 · succeeds"),
    ("", "decline", "被银行拒绝", "Decline", "付款人可以再试 · the payer may try again"),
    ("", "abandon", "返回，不付", "Go back without paying", "收银台还开着 · the checkout stays open"),
    ("", "delayed", "稍后成功", "Succeed later", "约 6 秒 · about 6 seconds"),
    ("", "delayed_failure", "稍后失败", "Fail later", "约 6 秒 · about 6 seconds"),
    ("", "dispute", "付款后拒付", "Pay, then dispute", "约 6 秒后 · after about 6 seconds"),
    ("", "lost", "付款，但通知丢失", "Pay; the notification is lost", "由轮询发现 · found by polling"),
)  # fmt: skip


def page(title: str, body: str, *, wide: bool = False) -> str:
    """A whole page, marked as the sandbox's."""
    return (
        '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>"
        f'<div class="mark">{MARK}</div><main{" class=wide" if wide else ""}>{body}</main>'
        "</body></html>"
    )


def checkout(session: Thing, intent: Thing) -> str:
    """What the payer sees."""
    if session["status"] != "open":
        return page(
            "沙箱收银台",
            f'<div class="box"><h1>这个收银台已关闭 · This checkout is {escape(session["status"])}</h1>'
            f'<p><a href="{escape(session["success_url"])}">返回 · Back</a></p></div>',
        )
    declined = intent["last_payment_error"]
    said = '<p class="no">银行拒绝了这次付款，请换一种方式。 · Declined; try another way.</p>'
    buttons = "".join(
        f'<button name="act" value="{act}"{" class=pay" if look else ""}>{zh} · {en}'
        f"<small>{what}</small></button>"
        for look, act, zh, en, what in CHOICES
    )
    return page(
        "沙箱收银台",
        f'<div class="box"><h1>{escape(intent["description"])}</h1>'
        f'<p class="sum">¥{_yuan(session["amount_total"])}</p>{said if declined else ""}'
        f'<form method="post">{buttons}</form></div>',
    )


def back_room(intents: list[Thing], disputes: list[Thing], payouts: list[Thing]) -> str:
    """What an operator of the gateway would do: disputes decided, money paid out."""
    rows = "".join(
        f"<tr><td>{escape(one['description'])}<small>{one['id']}</small></td>"
        f"<td>¥{_yuan(one['amount'])}</td><td>{one['status']}</td>"
        f"<td>{_button('dispute', one['id'], '拒付 Dispute') if one['status'] == 'succeeded' else ''}"
        "</td></tr>"
        for one in intents[:50]
    )
    open_ones = "".join(
        f"<tr><td>{one['id']}</td><td>¥{_yuan(one['amount'])}</td><td>{one['status']}</td><td>"
        + (
            _button("won", one["id"], "胜诉 Won") + _button("lost", one["id"], "败诉 Lost")
            if one["status"] == "needs_response"
            else ""
        )
        + "</td></tr>"
        for one in disputes[:20]
    )
    accounts = sorted({one["transfer_data"]["destination"] for one in intents})
    pay_out = "".join(
        _button("payout", one, f"把 {one} 的余额打到银行 · Pay out") for one in accounts
    )
    done = "".join(
        f"<tr><td>{one['id']}</td><td>{one['account']}</td><td>¥{_yuan(one['amount'])}</td></tr>"
        for one in payouts[:20]
    )
    return page(
        "沙箱",
        f'<div class="box"><h1>付款 · Payments</h1><div class="scroll"><table>{rows}</table></div></div>'
        f'<div class="box"><h1>拒付 · Disputes</h1><table>{open_ones}</table></div>'
        f'<div class="box"><h1>到账 · Payouts</h1>{pay_out}<table>{done}</table></div>',
        wide=True,
    )


def _button(act: str, subject: str, words: str) -> str:
    return (
        f'<form method="post" action="/act"><input type="hidden" name="id" value="{escape(subject)}">'
        f'<button name="act" value="{act}">{escape(words)}</button></form>'
    )


def _yuan(fen: int) -> str:
    return f"{fen // 100:,}.{fen % 100:02d}"
