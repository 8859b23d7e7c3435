"""The checks of the books: every law, what the last run found, runs before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import flash, redirect, render_template, url_for
from flask_babel import gettext

from app.kernel import queue
from app.ledger import invariants, queries
from app.ledger.chart import BOOKS
from app.ledger.jobs import CHECK
from app.ledger.pages.common import names_of, pages, steps, subject_url
from app.ledger.queries import CheckRun
from app.web.door import needs


@dataclass(frozen=True)
class FindingShown:
    """A finding in the reader's words, with the page of its subject."""

    sentence: str
    url: str | None


@dataclass(frozen=True)
class LawShown:
    """An invariant and what the last finished run found against it; None: it did not run."""

    title: str
    findings: tuple[FindingShown, ...] | None


@pages.get("/c/<int:community_id>/ledger/checks")
@needs("ledger.read")
def checks(community_id: int) -> Any:
    """All laws with the last run's findings, and the history of runs."""
    runs = queries.last_checks(community_id)
    done = next((one for one in runs if one.status == "done"), None)
    return render_template(
        "ledger/checks.html",
        runs=runs,
        latest=runs[0] if runs else None,
        done=done,
        laws=_laws(community_id, done),
        names=names_of(community_id, {one.requested_by for one in runs}),
        steps=steps(community_id),
    )


@pages.post("/c/<int:community_id>/ledger/checks")
@needs("ledger.read")
def check_now(community_id: int) -> Any:
    """Ask for a run now, unless one is waiting already."""
    latest = queries.last_checks(community_id, limit=1)
    if latest and latest[0].open:
        flash(gettext("核对已在进行中。"), "warning")
    else:
        queue.enqueue(CHECK, community_id)
        flash(gettext("已开始核对，稍后显示结果。"))
    return redirect(url_for("ledger.checks", community_id=community_id), 303)


def _laws(community_id: int, done: CheckRun | None) -> list[LawShown]:
    """The list of laws; a law added since the last run has not been tried yet."""
    if done is None:
        return [LawShown(gettext(one.title), None) for one in invariants.INVARIANTS]
    found: dict[str, list[FindingShown]] = {}
    for finding in done.findings:
        words = gettext(finding.message) % _named(finding.params)
        shown = FindingShown(words, subject_url(community_id, finding.subject))
        found.setdefault(finding.invariant, []).append(shown)
    return [
        LawShown(gettext(one.title), tuple(found.get(one.name, ())))
        for one in invariants.INVARIANTS
    ]


def _named(params: Mapping[str, str]) -> dict[str, str]:
    """The places of a finding, a book by its name."""
    named = dict(params)
    if named.get("book") in BOOKS:
        named["book"] = gettext(BOOKS[named["book"]])
    return named
