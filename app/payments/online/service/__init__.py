"""Verbs of online payments; none commits. Order of locks: a payment, then its refunds.

Whoever lays a payment's money on bills takes the payment first, then the unit and its bills.
"""

from app.payments.online.service.accounts import begin_account, change_rules, end_account
from app.payments.online.service.events import process_event, receive_event
from app.payments.online.service.payouts import enter as enter_payout
from app.payments.online.service.polling import details, look_after, poll
from app.payments.online.service.refunds import (
    approve,
    left_fen,
    refund_overpaid,
    refundable_fen,
    reject,
    request_refund,
    send,
)
from app.payments.online.service.settling import Received, mark_settled, take_received
from app.payments.online.service.starting import (
    Item,
    give_up,
    items_of,
    open_account,
    open_checkout,
    start,
)

__all__ = [
    "Item",
    "Received",
    "approve",
    "begin_account",
    "change_rules",
    "details",
    "end_account",
    "enter_payout",
    "give_up",
    "items_of",
    "left_fen",
    "look_after",
    "mark_settled",
    "open_account",
    "open_checkout",
    "poll",
    "process_event",
    "receive_event",
    "refund_overpaid",
    "refundable_fen",
    "reject",
    "request_refund",
    "send",
    "start",
    "take_received",
]
