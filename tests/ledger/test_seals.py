"""The seals and fingerprints of docs/bookkeeping.md, computed anew in plain Python."""

from __future__ import annotations

from datetime import UTC, date, datetime
from hashlib import sha256

from sqlalchemy import text

from app.kernel import audit, clock
from app.kernel.db import db, transaction
from app.kernel.period import Month
from app.ledger import service
from app.ledger.chart import BANK, FEE_INCOME, RECEIVABLE
from tests.ledger.books import post


def or_empty(value: object) -> str:
    return "" if value is None else str(value)


def instant(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def seal_of(entry, postings, before: bytes) -> bytes:
    """A seal as an auditor would compute it from an export of the tables."""
    head = "|".join(
        [
            str(entry.community_id), str(entry.id), entry.book, entry.month.strftime("%Y-%m"),
            entry.posted_on.isoformat(),
            *(f"{len(one)}:{one}" for one in (entry.kind, entry.source, entry.memo)),
            or_empty(entry.reverses_id), or_empty(entry.resolution_id),
            or_empty(entry.created_by), str(entry.txid), instant(entry.created_at),
        ]
    )  # fmt: skip
    lines = [
        f"{one.no}|{one.account_code}|{or_empty(one.unit_id)}|{one.amount_fen}" for one in postings
    ]
    return sha256(before + "\n".join([head, *lines]).encode()).digest()


def test_an_auditor_computes_the_same_seals_and_fingerprints(town):
    c, unit = town.community_id, town.add_unit()
    post(c, "2026-02", (RECEIVABLE, 300, unit.id), (FEE_INCOME, -300), source="1", memo="二月|账单")
    with audit.acting(audit.Actor(account_id=12, name="会计")):
        post(c, "2026-02", (BANK, 300), (RECEIVABLE, -300, unit.id), source="2", resolution_id=8)
    post(c, "2026-03", (BANK, 5), (FEE_INCOME, -5), source="3", memo="\n")
    with transaction():
        service.reverse(c, 3, reason="误记")
    with clock.moved_to(date(2026, 4, 5)), transaction():
        for month in (Month(2026, 2), Month(2026, 3)):
            service.close_month(c, "service", month)

    entries = db.session.execute(text("SELECT * FROM entry ORDER BY id")).all()
    before, seals = b"", {}
    for entry in entries:
        postings = db.session.execute(
            text("SELECT * FROM posting WHERE entry_id = :id ORDER BY no"), {"id": entry.id}
        ).all()
        before = seals[entry.id] = seal_of(entry, postings, before)
    kept = db.session.execute(text("SELECT entry_id, digest FROM entry_seal")).all()
    assert {row.entry_id: bytes(row.digest) for row in kept} == seals

    fingerprint = ""
    for close in db.session.execute(text("SELECT * FROM month_close ORDER BY month")):
        of_month = [entry.id for entry in entries if entry.month == close.month]
        fingerprint = sha256("\n".join(
            [fingerprint, "service", close.month.strftime("%Y-%m"), instant(close.closed_at),
             or_empty(close.closed_by), *(f"{one}:{seals[one].hex()}" for one in of_month)]
        ).encode()).hexdigest()  # fmt: skip
        assert close.digest == fingerprint
        assert close.last_entry_id == max(of_month)
