"""A reminder of payment on paper: what is open, since when, fifteen days, where to ask. No threats.

Source: RULES C8 (Civil Code 944): written, a reasonable period; never a word of cutting water,
power, heat or gas, of locks, or of publishing names.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from flask_babel import get_locale, gettext

from app.billing.arrears.rows import LateBill
from app.billing.arrears.rules import DUNNING_DAYS
from app.billing.bills.print import press
from app.billing.bills.print.sheets import bill_url
from app.billing.bills.rows import BillRow, Letterhead
from app.web import formats
from app.web.press import qr_svg

TEMPLATE = str(Path(__file__).resolve().parent / "letter.typ")


def letter(
    head: Letterhead, bill: BillRow, late: Sequence[LateBill], on: date, *, number: str
) -> bytes:
    """A reminder to the payer of these overdue bills of a home, dated `on`."""
    return press.compile_pdf(TEMPLATE, letter_data(head, bill, late, on, number=number))


def letter_data(
    head: Letterhead, bill: BillRow, late: Sequence[LateBill], on: date, *, number: str
) -> dict[str, Any]:
    """The texts of a reminder; the name stands in full, for it goes to that person alone."""
    locale = get_locale()
    url = bill_url(bill.community_id, head.binding_code)
    name = late[0].payer_name or gettext("业主")
    until = on + timedelta(days=DUNNING_DAYS)
    return {
        "lang": "en" if locale is not None and locale.language == "en" else "zh",
        "title": gettext("缴费提醒函 %(room)s", room=bill.unit_label),
        "heading": gettext("缴费提醒函"),
        "number": gettext("编号 %(number)s", number=number),
        "to": gettext("%(room)s  %(name)s：", room=bill.unit_label, name=name),
        "opening": [
            gettext(
                "截至 %(day)s，您在%(community)s的下列物业费账单已过缴费期限，尚未付清：",
                day=formats.day(on),
                community=head.community_name,
            )
        ],
        "headings": [gettext("账期"), gettext("缴费期限"), gettext("已过天数"), gettext("未付")],
        "rows": [
            [
                formats.month(one.month),
                formats.day(one.due_on),
                str(one.days_past_due),
                formats.yuan(one.open_fen),
            ]
            for one in late
        ],
        "total": gettext("合计 %(amount)s", amount=formats.yuan(sum(one.open_fen for one in late))),
        "closing": _closing(head, until),
        "qr": qr_svg(url),
        "url": url,
        "scan": gettext("扫码查看每张账单的算法"),
        "sender": head.company_name or head.community_name,
        "date": formats.day(on),
    }


def _closing(head: Letterhead, until: date) -> list[str]:
    asked = gettext(
        "请您在 %(day)s前（自本函之日起 %(days)s 天内）缴清，或与我们联系说明情况。",
        day=formats.day(until),
        days=DUNNING_DAYS,
    )
    doubts = gettext(
        "如对金额有疑问、已经付款或一时有困难，请到物业服务中心，我们会与您核对，可以商定分期。"
    )
    rights = gettext(
        "本函是书面催告。逾期仍未缴纳的，我们可能依法通过人民调解、仲裁或诉讼解决。您的水、电、气、暖和出入不受影响。"
    )
    words = [asked, doubts, rights]
    if head.service_phone:
        words.append(gettext("联系电话：%(phone)s", phone=head.service_phone))
    return words
