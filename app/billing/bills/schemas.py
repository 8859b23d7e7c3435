"""What the forms of bills bring."""

from __future__ import annotations

from app.billing.bills.print.sheets import PAPERS
from app.billing.bills.service import NOTE_KINDS
from app.kernel.errors import N_
from app.web.fields import Choice, Id, Money, Month, Schema, Text

CORRECTIONS = {"correction": N_("更正差错：当初算错了"), "waiver": N_("减免：算得没错，同意少收")}
PAPER_WORDS = {"a5": N_("A5（半张，省纸）"), "a4": N_("A4（大字）")}
assert set(PAPER_WORDS) == set(PAPERS)
FILE_WORDS = {"building": N_("每栋一个文件"), "each": N_("每户一个文件")}
STATUS_WORDS = {
    "open": N_("未付"),
    "part": N_("部分已付"),
    "paid": N_("已付清"),
    "withdrawn": N_("已撤回"),
}


class NewNote(Schema):
    """A correction of a bill; `key` is the form's own, so that sending it twice is once."""

    kind = Choice(NOTE_KINDS, required=True)
    ground = Choice(CORRECTIONS, load_default="correction")
    amount_fen = Money(required=True, least=1)
    reason = Text(required=True, least=1, most=200)
    key = Text(load_default=None, allow_none=True, most=64)


class PrintOrder(Schema):
    """Which bills to print, on what."""

    month = Month(required=True)
    building_id = Id(load_default=None, allow_none=True)
    paper = Choice(PAPER_WORDS, load_default="a5")
    files = Choice(FILE_WORDS, load_default="building")
