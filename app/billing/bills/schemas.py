"""What forms and JSON bring, and what JSON shows of bills."""

from __future__ import annotations

from app.billing.bills.postings import MEANS
from app.billing.bills.print.sheets import PAPERS
from app.billing.bills.service import NOTE_KINDS
from app.kernel.errors import N_
from app.kernel.money import LARGEST_FEN
from app.web.fields import Choice, Date, Flag, Id, Money, Month, Schema, Text, Whole

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


class NewSettlement(Schema):
    """Money received for a unit."""

    amount_fen = Money(required=True, least=1, most=LARGEST_FEN)
    received_on = Date(required=True)
    means = Choice({key: key for key in MEANS if key != "credit"}, required=True)
    source = Text(required=True, least=1, most=120)


class LineSchema(Schema):
    """One charge on a bill; sums in fen."""

    name = Text()
    formula = Text(metadata={"description": "How the gross was found, in words."})
    subsidy = Text(metadata={"description": "How the street's part was found, in words."})
    source = Text(metadata={"description": "The documents it rests on."})
    gross_fen = Money()
    subsidy_fen = Money()
    resident_fen = Money()


class BillSchema(Schema):
    """A bill; `open_fen` = resident + notes − paid, zero once withdrawn."""

    id = Id()
    unit_id = Id()
    unit_label = Text()
    month = Month()
    party = Whole(metadata={"description": "Which holder of the month, counted from 0."})
    due_on = Date()
    gross_fen = Money()
    subsidy_fen = Money()
    resident_fen = Money()
    notes_fen = Money(least=-LARGEST_FEN)
    paid_fen = Money()
    open_fen = Money()
    status = Choice(STATUS_WORDS)
    withdrawn = Flag()
