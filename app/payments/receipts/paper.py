"""A receipt as the texts of its paper, in the language in force: two copies on an A4 page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import current_app
from flask_babel import get_locale, gettext

from app.kernel.errors import N_
from app.ledger.chart import BOOKS
from app.payments.receipts import rules
from app.payments.receipts.queries import ReceiptRow
from app.registry import queries as registry
from app.web import formats, press

TEMPLATE = Path(__file__).resolve().parent / "receipt.typ"
COPIES = (N_("第一联 交款人"), N_("第二联 存根"))
FOOTER = N_("本收据不是发票，需要发票请在系统中申请或向物业服务中心提出。")
SHOWN_LINES = 10  # a page's half holds so many; the rest is summed up in the last


def check_url(row: ReceiptRow) -> str:
    """What the QR code leads to: the public page that says whether the receipt is genuine."""
    return f"{current_app.config['PUBLIC_URL']}/receipts/check/{row.printed_code}"


def receipt_pdf(row: ReceiptRow) -> bytes:
    """A receipt on paper; the same receipt gives the same bytes."""
    return press.compile_pdf(TEMPLATE, document(row))


def document(row: ReceiptRow) -> dict[str, Any]:
    """What `receipt.typ` needs."""
    community = registry.community(row.community_id)
    manager = registry.manager_on(row.community_id, row.received_on)
    locale = get_locale()
    english = locale is not None and locale.language == "en"
    url = check_url(row)
    return {
        "lang": "en" if english else "zh",
        "title": gettext("收据 %(number)s", number=row.written),
        "heading": gettext("收款收据"),
        "community": community.name,
        "company": manager.organization_name if manager else "",
        "number": row.written,
        "copies": [gettext(copy) for copy in COPIES],
        "facts": [
            [gettext("交款人"), row.payer_name or gettext("业主")],
            [gettext("房号"), row.unit_label],
            [gettext("收款日期"), formats.day(row.received_on)],
            [gettext("支付方式"), means_words(row)],
        ],
        "headings": [gettext("收费项目"), gettext("金额（元）")],
        "lines": lines_of(row),
        "sum_label": gettext("合计"),
        "sum": formats.yuan(row.amount_fen),
        "capitals": "" if english else f"大写 {rules.in_capitals(row.amount_fen)}",
        "notes": notes_of(row),
        "issuer": [gettext("开具"), f"{row.issuer_name}  {formats.instant(row.issued_at)}".strip()],
        "seal": gettext("收款单位（盖章）"),
        "void": gettext("收据作废") if row.status == "void" else "",
        "qr": press.qr_svg(url),
        "url": url,
        "scan": gettext("扫码核验"),
        "code": row.printed_code,
        "footer": gettext(FOOTER),
    }


def lines_of(row: ReceiptRow) -> list[list[str]]:
    """What was paid for which months, and what was kept; a long list ends in one sum."""
    rows = [
        [
            gettext(
                "%(month)s %(what)s", month=formats.month(line.month), what=gettext(_WHAT[row.book])
            )
            + (gettext("（部分）") if line.open_fen else ""),
            _bare(line.amount_fen),
        ]
        for line in row.lines
    ]
    if len(rows) > SHOWN_LINES:
        rest = row.lines[SHOWN_LINES - 1 :]
        words = gettext(
            "%(start)s 至 %(end)s 共 %(count)s 张账单",
            start=formats.month(rest[0].month),
            end=formats.month(rest[-1].month),
            count=len(rest),
        )
        rows = [*rows[: SHOWN_LINES - 1], [words, _bare(sum(one.amount_fen for one in rest))]]
    if row.credit_fen:
        rows.append([gettext("预存款（抵以后的账单）"), _bare(row.credit_fen)])
    return rows


_WHAT = {
    "service": N_("物业费账单"),
    "fund": N_("维修资金"),
    "commons": N_("公共收益"),
    "backstop": N_("托底资金"),
}
assert set(_WHAT) == set(BOOKS)


def means_words(row: ReceiptRow) -> str:
    """How it was paid, with the slip's number."""
    words = gettext(rules.MEANS.get(row.means, row.means))
    return f"{words} {row.reference}".strip()


def notes_of(row: ReceiptRow) -> list[str]:
    """What went back, and that the street's part is not in the sum."""
    notes = []
    if row.subsidy_fen:
        notes.append(
            gettext(
                "政府补贴 %(amount)s 由街道另行支付，不在本收据内。",
                amount=formats.yuan(row.subsidy_fen),
            )
        )
    if row.status == "void":
        notes.append(gettext("款项已全部退回：%(reason)s", reason=row.voided_reason or ""))
    elif row.returned_fen:
        notes.append(gettext("其中 %(amount)s 已退回。", amount=formats.yuan(row.returned_fen)))
    return notes


def _bare(amount_fen: int) -> str:
    return formats.yuan(amount_fen).replace("¥", "")
