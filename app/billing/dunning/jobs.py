"""Jobs of dunning: look for what is due every morning, set a batch of letters on paper."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from flask_babel import force_locale, gettext

from app.billing.dunning import paper, service
from app.billing.dunning.models import DunningRun
from app.billing.dunning.queries import letters as queries
from app.billing.dunning.service.letters import JOB
from app.kernel import clock, files, queue
from app.kernel.db import db

KEPT_FOR = timedelta(days=30)  # names are on them


@queue.job("dunning:look")
def look(community_id: int) -> Mapping[str, Any]:
    """Open and close cases by rule; safe to run twice."""
    opened, closed = service.look(community_id)
    return {"opened": opened, "closed": closed}


@queue.job(JOB)
def print_letters(community_id: int, run_id: int) -> Mapping[str, Any]:
    """Set a batch on paper as one PDF and keep it for a month; an undone one is left alone."""
    run = db.session.get_one(DunningRun, (community_id, run_id))
    if run.undone_at is not None:
        return {"letters": 0}
    found = queries.letters(community_id, run_id=run_id)
    bills = queries.letter_bills(community_id, run_id)
    queue.progress(0, len(found))
    with force_locale(run.language):
        content = paper.letters_pdf(
            paper.sender(community_id, run.made_on), [(one, bills[one.id]) for one in found]
        )
        name = gettext("催告函 %(day)s-%(number)s.pdf", day=run.made_on.isoformat(), number=run_id)
    kept = files.keep(
        community_id,
        name,
        content,
        content_type="application/pdf",
        action="arrears.work",
        created_by=queue.requested_by(),
        expires_at=clock.now() + KEPT_FOR,
    )
    run.file_id = kept.id
    queue.progress(len(found), len(found))
    return {"letters": len(found), "file_id": kept.id}
