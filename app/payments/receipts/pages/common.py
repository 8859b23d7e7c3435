"""What the pages of receipts share."""

from __future__ import annotations

import io
from typing import Any

from flask import Blueprint, send_file
from flask_babel import gettext

from app.payments.receipts import paper
from app.payments.receipts.queries import ReceiptRow

pages = Blueprint("receipts", "app.payments.receipts", template_folder="templates")


def pdf(row: ReceiptRow) -> Any:
    """A receipt's paper, to look at in the browser; never kept by a cache."""
    answer = send_file(
        io.BytesIO(paper.receipt_pdf(row)),
        mimetype="application/pdf",
        download_name=f"{gettext('收据 %(number)s', number=row.written)}.pdf",
    )
    answer.headers["Cache-Control"] = "no-store, private"
    return answer
