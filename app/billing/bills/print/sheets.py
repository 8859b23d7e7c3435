"""A bill as the texts of its paper, in the language in force."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import current_app
from flask_babel import get_locale, gettext, ngettext

from app.billing.bills.explain import Words, explain, joined, yuan
from app.billing.bills.rows import FullBill
from app.identity.rules import printed_code
from app.kernel.errors import N_
from app.web import formats
from app.web.press import qr_svg

PAPERS = ("a5", "a4")
FOOTER = N_("本账单不是发票。对金额有疑问，请致电物业服务中心，或扫码查看每一项的算法与依据。")


def bill_url(community_id: int, binding_code: str) -> str:
    """What the QR code leads to: the page where the home's bills are bound and seen."""
    return f"{current_app.config['PUBLIC_URL']}/b/{community_id}/{binding_code}"


def document(bills: Iterable[FullBill], *, paper: str = "a5", title: str = "") -> dict[str, Any]:
    """What `bill.typ` needs for these bills."""
    sheets = [_sheet(one) for one in bills]
    locale = get_locale()
    return {
        "paper": paper if paper in PAPERS else PAPERS[0],
        "lang": "en" if locale is not None and locale.language == "en" else "zh",
        "title": title or (f"{sheets[0]['room']} {sheets[0]['month']}" if sheets else ""),
        "words": {
            "item": gettext("收费项目"),
            "amount": gettext("金额（元）"),
            "how_to_pay": gettext("怎样缴费"),
            "code": gettext("绑定码"),
            "scan": gettext("扫码查看"),
            "footer": gettext(FOOTER),
        },
        "bills": sheets,
    }


def _sheet(full: FullBill) -> dict[str, Any]:
    bill, head = full.bill, full.letterhead
    words = [explain(line) for line in full.lines]
    url = bill_url(bill.community_id, head.binding_code)
    return {
        "community": head.community_name,
        "kind": gettext("物业费账单"),
        "month": formats.month(bill.month),
        "room": bill.unit_label,
        "holder": _holder(full),
        "due_label": gettext("已付清") if bill.open_fen == 0 else gettext("本期应付"),
        "due": formats.yuan(bill.open_fen),
        "due_facts": _due_facts(full),
        "lines": [_line(one) for one in words],
        "sums": _sums(full),
        "outlook": outlook_words(full),
        "ways": _ways(full),
        "code": printed_code(bill.community_id, head.binding_code),
        "qr": qr_svg(url),
        "url": url,
        "source": joined(dict.fromkeys(one.source for one in words)),
    }


def _holder(full: FullBill) -> str:
    name = formats.name(full.bill.payer_name) if full.bill.payer_name else gettext("业主")
    return f"{name}  {formats.area(full.bill.area_m2)}"


def _due_facts(full: FullBill) -> list[dict[str, Any]]:
    bill = full.bill
    facts: list[tuple[str, bool]] = []
    if bill.open_fen:
        facts.append((gettext("请于 %(day)s前缴纳", day=formats.day(bill.due_on)), True))
    if full.earlier_open_fen:
        facts += [
            (
                ngettext(
                    "另有 %(num)s 张以前的账单未付 %(amount)s",
                    "另有 %(num)s 张以前的账单未付 %(amount)s",
                    full.earlier_count,
                    amount=formats.yuan(full.earlier_open_fen),
                ),
                False,
            ),
            (
                gettext(
                    "一并缴纳共 %(amount)s",
                    amount=formats.yuan(full.earlier_open_fen + bill.open_fen),
                ),
                False,
            ),
        ]
    return [{"text": text, "strong": strong} for text, strong in facts]


def _line(words: Words) -> dict[str, Any]:
    return {
        "name": words.name,
        "words": [clause for clause in (words.formula, words.subsidy) if clause],
        "amount": yuan(words.gross_fen),
    }


def _sums(full: FullBill) -> list[dict[str, Any]]:
    """The subsidy on a line of its own (C10), then corrections and payments, then what is left."""
    bill = full.bill
    rows = []
    if bill.subsidy_fen:
        payer = full.outlook.payer if full.outlook else ""
        rows += [
            (gettext("应收合计"), yuan(bill.gross_fen), False),
            (
                gettext("%(payer)s补贴", payer=payer) if payer else gettext("街道补贴"),
                f"−{yuan(bill.subsidy_fen)}",
                False,
            ),
        ]
    if bill.notes_fen:
        sign = "−" if bill.notes_fen < 0 else "+"
        rows.append((gettext("更正"), f"{sign}{yuan(abs(bill.notes_fen))}", False))
    if bill.paid_fen:
        rows.append((gettext("已付"), f"−{yuan(bill.paid_fen)}", False))
    rows.append((gettext("您应付"), yuan(bill.open_fen), True))
    return [{"label": label, "amount": amount, "strong": strong} for label, amount, strong in rows]


def outlook_words(full: FullBill) -> str:
    """Until when the street pays, and what the regular month costs from then on; may be empty."""
    if full.outlook is None:
        return ""
    last = full.outlook.ends_on.fromordinal(full.outlook.ends_on.toordinal() - 1)
    words = gettext(
        "补贴到 %(day)s为止。之后如单价不变，固定收费每月约 %(amount)s，全部由您承担。",
        day=formats.day(last),
        amount=formats.yuan(full.outlook.after_fen),
    )
    step, rate = full.outlook.next_step_on, full.outlook.next_rate
    if step is not None and rate is not None and step < full.outlook.ends_on:
        words += gettext(
            "补贴标准自 %(day)s起调整为 %(rate)s。",
            day=formats.day(step),
            rate=formats.area_price(rate),
        )
    return words


def _ways(full: FullBill) -> list[str]:
    head = full.letterhead
    desk = gettext("到小区物业服务中心缴纳现金或转账")
    ways = [f"{desk}（{head.company_name}）" if head.company_name else desk]
    if head.service_phone:
        ways.append(gettext("服务电话 %(phone)s", phone=head.service_phone))
    return ways
