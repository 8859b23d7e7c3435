"""The verbs of billing that other rooms call, gathered from where they live."""

from app.billing.runs.service import (
    confirm_run,
    discard_preview,
    issue_bills,
    preview_lines,
    preview_run,
    withdraw_run,
)

__all__ = [
    "confirm_run",
    "discard_preview",
    "issue_bills",
    "preview_lines",
    "preview_run",
    "withdraw_run",
]
