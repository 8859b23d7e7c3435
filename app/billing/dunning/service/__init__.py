"""Acts of dunning: each checked by its rule, recorded, never committed here.

Order of locks: the case, then (in billing) the unit, its bills, the books.
"""

from app.billing.dunning.service.agreements import draw_up, end_plan, promise, sign
from app.billing.dunning.service.cases import (
    answer,
    look,
    object_to,
    own_case,
    pause,
    record_act,
    resume,
    set_stages,
)
from app.billing.dunning.service.letters import deliver, fetched, give_back, make_run, undo_run
from app.billing.dunning.service.write_offs import come_in, decide, request_write_off

__all__ = [
    "answer",
    "come_in",
    "decide",
    "deliver",
    "draw_up",
    "end_plan",
    "fetched",
    "give_back",
    "look",
    "make_run",
    "object_to",
    "own_case",
    "pause",
    "promise",
    "record_act",
    "request_write_off",
    "resume",
    "set_stages",
    "sign",
    "undo_run",
]
