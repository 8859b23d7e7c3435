"""A month on paper: each building one PDF, or each bill its own, zipped where there are several."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby

from flask_babel import gettext

from app.billing.bills.print import press, sheets
from app.billing.bills.queries import sheet
from app.billing.bills.rows import FullBill
from app.kernel import clock, files, queue
from app.kernel.errors import N_, RuleBroken
from app.kernel.period import Month

KEPT_FOR = timedelta(days=7)  # names are on them, so no longer than needed
STEP = 25  # bills between two words of progress
EARLIEST = (1980, 1, 1, 0, 0, 0)  # a fixed stamp: the same bills zip to the same bytes


@dataclass(frozen=True)
class Printed:
    """A file of printed bills."""

    file_id: int
    name: str
    bill_count: int


def print_month(
    community_id: int,
    month: Month,
    building_id: int | None = None,
    *,
    paper: str = "a5",
    each: bool = False,
) -> Printed:
    """Print the live bills of a month and keep the file for a week.

    A building alone is one PDF; all are a zip of one PDF a building, or with `each` one a
    bill. Tells the running task how far it is. Raises RuleBroken when there is nothing.
    """
    bills = sheet.month_of_building(community_id, month, building_id)
    if not bills:
        raise RuleBroken("print.nothing", N_("%(month)s 没有可打印的账单。"), month=str(month))
    queue.progress(0, len(bills))
    parts = _single(bills, paper) if each else _buildings(bills, month, paper)
    alone = building_id is not None and not each
    if alone:
        name, content = next(parts)
        kind = "application/pdf"
    else:
        name, content, kind = f"{_title(month)}.zip", _zip(parts), "application/zip"
    kept = files.keep(
        community_id,
        name,
        content,
        content_type=kind,
        action="bill.print",
        created_by=queue.requested_by(),
        expires_at=clock.now() + KEPT_FOR,
    )
    queue.progress(len(bills), len(bills))
    return Printed(kept.id, name, len(bills))


def _buildings(bills: Sequence[FullBill], month: Month, paper: str) -> Iterator[tuple[str, bytes]]:
    done = 0
    ordered = sorted(bills, key=lambda one: one.bill.building_code)  # stable: rooms stay in order
    for code, group in groupby(ordered, key=lambda one: one.bill.building_code):
        of_building = list(group)
        title = gettext("%(month)s %(building)s 栋账单", month=str(month), building=code)
        document = sheets.document(of_building, paper=paper, title=title)
        yield f"{_safe(title)}.pdf", press.compile_pdf("bill.typ", document)
        done += len(of_building)
        queue.progress(done, len(bills))


def _single(bills: Sequence[FullBill], paper: str) -> Iterator[tuple[str, bytes]]:
    for number, full in enumerate(bills, 1):
        name = f"{full.bill.month} {full.bill.unit_label}"
        if full.bill.party:
            name += f" ({full.bill.party + 1})"
        folder = _safe(full.bill.building_code)
        content = press.compile_pdf("bill.typ", sheets.document([full], paper=paper))
        yield f"{folder}/{_safe(name)}.pdf", content
        if number % STEP == 0:
            queue.progress(number, len(bills))


def _zip(parts: Iterator[tuple[str, bytes]]) -> bytes:
    buffer = io.BytesIO()
    names: set[str] = set()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as pack:
        for name, content in parts:
            unique, copy = name, 2
            while unique in names:
                unique, copy = f"{name.removesuffix('.pdf')} {copy}.pdf", copy + 1
            names.add(unique)
            pack.writestr(zipfile.ZipInfo(unique, EARLIEST), content)
    return buffer.getvalue()


def _title(month: Month) -> str:
    return _safe(gettext("%(month)s 账单", month=str(month)))


def _safe(name: str) -> str:
    """A name no file system or zip reader mistakes for a path."""
    return "".join("_" if char in '\\/:*?"<>|' or ord(char) < 32 else char for char in name)
