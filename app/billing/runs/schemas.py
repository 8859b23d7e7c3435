"""What forms bring to the verbs of runs."""

from __future__ import annotations

from app.web.fields import Date, Month, Schema, Text


class RunNew(Schema):
    """A month to compute; without a due day the community's own is taken."""

    month = Month(required=True)
    due_on = Date(allow_none=True, load_default=None)


class RunWithdrawal(Schema):
    """Why an issued run is taken back; it is kept with the run."""

    reason = Text(most=200, least=1, required=True, lines=True)
