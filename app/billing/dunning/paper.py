"""Letters and instalment agreements on paper, in the language in force.

A letter is for its addressee alone: the window shows room and name, nothing of money. It says
what is owed, by when to answer, where to ask, and that water, power, heat, gas and the door
are not touched. Source: RULES C8 (Civil Code 944).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from flask_babel import get_locale, gettext
from sqlalchemy import text

from app.billing.dunning.rows import LetterRow, PlanRow
from app.kernel.db import db
from app.kernel.errors import N_
from app.kernel.money import Fen
from app.kernel.period import Month
from app.web import formats, press

LETTERS = Path(__file__).resolve().parent / "letters.typ"
AGREEMENT = Path(__file__).resolve().parent / "agreement.typ"
TITLES = {
    "reminder": N_("缴费提醒函"),
    "demand": N_("物业费催告函"),
    "last_notice": N_("最后通知书"),
}


@dataclass(frozen=True)
class Sender:
    """Who writes: the manager in charge and how to reach it."""

    community_name: str
    company_name: str
    service_phone: str


def sender(community_id: int, on: date) -> Sender:
    """The community, its manager on a day, its service phone."""
    row = db.session.execute(
        text(
            "SELECT c.name, COALESCE(c.service_phone, '') AS phone, COALESCE(o.name, '') AS company"
            " FROM community c LEFT JOIN mandate m ON m.community_id = c.id AND m.starts_on <= :on"
            " AND (m.ends_on IS NULL OR :on < m.ends_on)"
            " LEFT JOIN organization o ON o.id = m.organization_id WHERE c.id = :c LIMIT 1"
        ),
        {"c": community_id, "on": on},
    ).one()
    return Sender(row.name, row.company, row.phone)


Owed = Sequence[tuple[int, Month, date, Fen]]


def letters_pdf(who: Sender, letters: Sequence[tuple[LetterRow, Owed]]) -> bytes:
    """All letters of a batch as one PDF, each on a sheet of its own."""
    return press.compile_pdf(
        LETTERS,
        {
            "lang": _language(),
            "title": gettext("催告函"),
            "letters": [letter_data(who, letter, owed) for letter, owed in letters],
        },
    )


def letter_data(who: Sender, letter: LetterRow, owed: Owed) -> dict[str, Any]:
    """The texts of one letter."""
    name = letter.payer_name or gettext("业主")
    return {
        "to": [
            who.community_name,
            letter.unit_label,
            gettext("%(name)s 收", name=name),
        ],
        "personal": gettext("本人亲启"),
        "number": gettext("编号 %(number)s", number=letter.number),
        "heading": gettext(TITLES[letter.stage_kind]),
        "greeting": gettext("%(name)s：", name=name),
        "opening": _opening(who, letter),
        "headings": [gettext("账期"), gettext("缴费期限"), gettext("未付")],
        "rows": [
            [formats.month(month), formats.day(due_on), formats.yuan(fen)]
            for _, month, due_on, fen in owed
        ],
        "total": gettext("合计 %(amount)s", amount=formats.yuan(letter.open_fen)),
        "closing": _closing(who, letter),
        "sender": who.company_name or who.community_name,
        "signer": gettext("签发：%(signer)s", signer=letter.signer) if letter.signer else "",
        "date": formats.day(letter.made_on),
        "receipt": gettext("签收：                    日期："),
    }


def _opening(who: Sender, letter: LetterRow) -> str:
    words = {
        "reminder": N_(
            "截至 %(day)s，您在%(community)s的下列物业费账单已过缴费期限。也许您已经付了，"
            "或只是忘了，特此提醒："
        ),
        "demand": N_("截至 %(day)s，您在%(community)s的下列物业费账单仍未付清，现书面催告如下："),
        "last_notice": N_(
            "我们此前已书面催告。截至 %(day)s，您在%(community)s的下列物业费账单仍未付清："
        ),
    }
    said: str = gettext(
        words[letter.stage_kind], day=formats.day(letter.made_on), community=who.community_name
    )
    return said


def _closing(who: Sender, letter: LetterRow) -> list[str]:
    asked = gettext(
        "请您在收到本函之日起 %(days)s 天内缴清，或与我们联系说明情况。", days=letter.answer_days
    )
    doubts = gettext(
        "如对金额有疑问、已经付款，或一时有困难，请告诉我们：我们会与您核对，可以暂缓，"
        "也可以商定分期。"
    )
    supplies = gettext("您的水、电、气、暖和出入不受影响。")
    words = [asked, doubts]
    if letter.stage_kind == "last_notice":
        words.append(
            gettext("期限届满仍未缴纳也未联系的，我们将依法申请人民调解、仲裁或提起诉讼。")
            + supplies
        )
    elif letter.stage_kind == "demand":
        words.append(
            gettext("本函是书面催告（民法典第 944 条），诉讼时效自您收到之日起重新计算。")
            + supplies
        )
    else:
        words.append(supplies)
    if who.service_phone:
        words.append(gettext("联系电话：%(phone)s", phone=who.service_phone))
    return words


def agreement_pdf(who: Sender, plan: PlanRow) -> bytes:
    """An instalment agreement in two signatures."""
    return press.compile_pdf(AGREEMENT, agreement_data(who, plan))


def agreement_data(who: Sender, plan: PlanRow) -> dict[str, Any]:
    """The texts of an agreement: the bills, the parts, what holds while it is kept."""
    months = gettext("、").join(formats.month(month) for _, month, _ in plan.bills)
    first, last = plan.parts[0], plan.parts[-1]
    terms = [
        gettext(
            "每期金额相等；除不尽的余分计入前几期，各期相差不超过 1 分，合计正好是上述总额。"
            "第一期 %(first)s，最后一期 %(last)s。",
            first=formats.yuan(first.amount_fen),
            last=formats.yuan(last.amount_fen),
        ),
        gettext("按期履行期间，不再催告，也不加收违约金。"),
        gettext(
            "任何一期逾期超过 7 天仍未付足，本协议即告中断，未付部分恢复催告；"
            "违约金（合同有约定的）自原缴费期限起计算。"
        ),
        gettext("签署本协议表示同意履行上述债务，诉讼时效自签署之日起重新计算。"),
        gettext("无论是否履行，水、电、气、暖和出入不受影响。"),
    ]
    return {
        "lang": _language(),
        "title": gettext("分期缴费协议"),
        "heading": gettext("分期缴费协议"),
        "number": gettext("编号 %(number)s", number=plan.number),
        "parties": [
            gettext("甲方（物业）：%(name)s", name=who.company_name or who.community_name),
            gettext(
                "乙方：%(name)s（%(community)s %(room)s）",
                name=plan.payer_name or gettext("业主"),
                community=who.community_name,
                room=plan.unit_label,
            ),
        ],
        "opening": gettext(
            "乙方确认欠付下列账期的物业费共 %(amount)s：%(months)s。双方同意分 %(count)s 期缴清：",
            amount=formats.yuan(plan.total_fen),
            months=months,
            count=len(plan.parts),
        ),
        "headings": [gettext("期次"), gettext("缴费日期"), gettext("金额")],
        "rows": [
            [str(part.no), formats.day(part.pay_on), formats.yuan(part.amount_fen)]
            for part in plan.parts
        ],
        "total": gettext("合计 %(amount)s", amount=formats.yuan(plan.total_fen)),
        "terms": terms,
        "signatures": [gettext("甲方（盖章）："), gettext("乙方（签字）：")],
        "date": gettext("日期："),
    }


def _language() -> str:
    locale = get_locale()
    return "en" if locale is not None and locale.language == "en" else "zh"
