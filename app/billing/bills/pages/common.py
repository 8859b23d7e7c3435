"""What the pages of bills share: the blueprint, the words of events."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from flask import Blueprint, request, send_file
from flask_babel import gettext

from app.billing.bills.rows import Event
from app.kernel.errors import N_
from app.web import formats

pages = Blueprint("bills", "app.billing.bills", template_folder="templates")

EVENTS = {
    "bill": N_("账单出具"),
    "withdrawn": N_("撤回账单"),
    "credit": N_("调整：减少"),
    "debit": N_("调整：增加"),
    "waiver": N_("调整：减免"),
    "write_off": N_("核销或转回"),
    "damages": N_("加收违约金"),
    "payment": N_("收款"),
    "credit_used": N_("预存款抵扣"),
    "taken_back": N_("退回收款"),
    "credit_undone": N_("撤销预存款抵扣"),
}
MEANS_WORDS = {
    "cash": N_("现金"),
    "bank": N_("银行转账"),
    "online": N_("线上支付"),
    "pos": N_("POS 刷卡"),
    "credit": N_("预存款"),
}
TONES = {
    "payment": "good",
    "credit_used": "good",
    "withdrawn": "bad",
    "damages": "warn",
    "taken_back": "warn",
}


def timeline(events: Iterable[Event]) -> list[tuple[str, str, str, str]]:
    """One bill's events as the timeline component takes them: when, what, words, tone."""
    return [
        (formats.day(one.on), _title(one), _remarks(one, None), TONES.get(one.kind, "plain"))
        for one in events
    ]


def event_words(event: Event) -> str:
    """What is worth saying of an event of an account besides its sum: which bill, how, why."""
    listed = gettext("、").join(formats.month(month) for month in event.months)
    if event.kind in ("payment", "credit_used"):
        return _remarks(event, gettext("付 %(months)s 的账单", months=listed) if listed else None)
    if event.kind in ("taken_back", "credit_undone"):
        again = gettext("%(months)s 的账单恢复为未付", months=listed) if listed else None
        return _remarks(event, again)
    return _remarks(event, gettext("%(month)s的账单", month=formats.month(event.month)))


def _remarks(event: Event, which: str | None) -> str:
    words = [which] if which else []
    if event.kind == "payment":
        words.append(gettext(MEANS_WORDS.get(event.means, event.means)))
        if event.credit_fen:
            kept = formats.yuan(event.credit_fen)
            words.append(gettext("其中 %(amount)s 留作预存款", amount=kept))
    if event.kind == "taken_back":
        words.append(gettext(MEANS_WORDS.get(event.means, event.means)))
        if event.credit_fen:
            lessened = formats.yuan(-event.credit_fen)
            words.append(gettext("其中 %(amount)s 出自预存款", amount=lessened))
    if event.kind == "credit_used":
        words.append(gettext("用去预存款 %(amount)s", amount=formats.yuan(-event.credit_fen)))
    if event.reason:
        words.append(event.reason)
    return gettext("；").join(words)


def asked_days() -> tuple[date | None, date | None]:
    """`?since` and `?until` of the address; what cannot be read is as if not given."""
    return _day(request.args.get("since", "")), _day(request.args.get("until", ""))


def pdf(content: bytes, name: str) -> Any:
    """A PDF to look at in the browser and to save under a name; never kept by a cache."""
    import io

    answer = send_file(io.BytesIO(content), mimetype="application/pdf", download_name=name)
    answer.headers["Cache-Control"] = "no-store, private"
    return answer


def newest_first(events: Sequence[Event]) -> list[Event]:
    """For pages read from the top."""
    return list(reversed(events))


def _title(event: Event) -> str:
    title = gettext(EVENTS[event.kind])
    return f"{title} {formats.yuan(abs(event.amount_fen))}" if event.amount_fen else title


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None
