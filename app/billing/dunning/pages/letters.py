"""Batches of letters: preview, make, fetch, deliver, undo."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, send_file, url_for
from flask_babel import get_locale, gettext

from app.billing.dunning import service
from app.billing.dunning.pages.common import pages
from app.billing.dunning.queries import cases
from app.billing.dunning.queries import letters as queries
from app.billing.dunning.schemas import Delivery, NewRun
from app.billing.dunning.service.letters import plan_letters
from app.billing.dunning.words import (
    DELIVERY_WORDS,
    LETTER_WORDS,
    NEXT_WORDS,
    RUN_WORDS,
    STAGE_WORDS,
    STATE_WORDS,
)
from app.kernel import clock, files
from app.kernel.db import db
from app.kernel.errors import HouseError
from app.kernel.files import StoredFile
from app.kernel.queue import Task
from app.web.door import needs
from app.web.forms import blank_form, read_form


@pages.get("/c/<int:community_id>/dunning/runs")
@needs("arrears.work")
def runs(community_id: int) -> Any:
    """Batches of letters, the newest first."""
    return render_template(
        "dunning/runs.html", rows=queries.runs(community_id), RUN_WORDS=RUN_WORDS
    )


@pages.route("/c/<int:community_id>/dunning/runs/new", methods=["GET", "POST"])
@needs("arrears.work")
def new_run(community_id: int) -> Any:
    """Who gets a letter now, which one and why others do not; then make them."""
    form = blank_form(NewRun, language=str(get_locale()))
    if request.method == "POST":
        form = read_form(NewRun)
        if form.ok:
            try:
                run = service.make_run(community_id, form.values["case"], form.values["language"])
            except HouseError as error:
                form.take(error)
            else:
                flash(gettext("催告函正在制作。"))
                return redirect(
                    url_for("dunning.run", community_id=community_id, run_id=run.id), 303
                )
    chosen = request.args.getlist("case", type=int)
    rows = cases.cases(community_id, clock.today())
    ready, left = plan_letters(row for row in rows if not chosen or row.id in chosen)
    page = render_template(
        "dunning/new_run.html",
        form=form,
        ready=ready,
        left=left,
        total_fen=sum(row.open_fen for row in ready),
        NEXT_WORDS=NEXT_WORDS,
        STATE_WORDS=STATE_WORDS,
    )
    return page, 422 if form.errors else 200


@pages.route("/c/<int:community_id>/dunning/runs/<int:run_id>", methods=["GET", "POST"])
@needs("arrears.work")
def run(community_id: int, run_id: int) -> Any:
    """A batch: the paper, and letter by letter whether it was delivered."""
    found = queries.run(community_id, run_id)
    form = blank_form(Delivery, delivered_on=clock.today(), how="signed")
    if request.method == "POST":
        form = read_form(Delivery)
        if form.ok:
            try:
                count = _delivered(community_id, form.values)
            except HouseError as error:
                form.take(error)
            else:
                flash(gettext("已登记 %(count)s 封。", count=count))
                return redirect(request.full_path, 303)
    page = render_template(
        "dunning/run.html",
        run=found,
        form=form,
        task=db.session.get(Task, (community_id, found.task_id or 0)),
        letters=queries.letters(community_id, run_id=run_id),
        RUN_WORDS=RUN_WORDS,
        LETTER_WORDS=LETTER_WORDS,
        STAGE_WORDS=STAGE_WORDS,
        DELIVERY_WORDS=DELIVERY_WORDS,
    )
    return page, 422 if form.errors else 200


def _delivered(community_id: int, values: Any) -> int:
    if values["how"] == "returned":
        return service.give_back(community_id, values["letter"])
    return service.deliver(community_id, values["letter"], values["delivered_on"], values["how"])


@pages.post("/c/<int:community_id>/dunning/runs/<int:run_id>/undo")
@needs("arrears.work")
def undo_run(community_id: int, run_id: int) -> Any:
    """Undo a batch nobody has fetched."""
    service.undo_run(community_id, run_id)
    flash(gettext("这批催告函已撤销，什么都没有算数。"))
    return redirect(url_for("dunning.run", community_id=community_id, run_id=run_id), 303)


@pages.post("/c/<int:community_id>/dunning/runs/<int:run_id>/file")
@needs("arrears.work")
def run_file(community_id: int, run_id: int) -> Any:
    """The letters as one PDF; from now on the batch cannot be undone."""
    made = service.fetched(community_id, run_id)
    file = db.session.get(StoredFile, (community_id, made.file_id or 0))
    if file is None or (file.expires_at is not None and file.expires_at < clock.now()):
        flash(gettext("文件还没有做好，或已过期。"), "warning")
        return redirect(url_for("dunning.run", community_id=community_id, run_id=run_id), 303)
    answer = send_file(
        files.location(file),
        mimetype=file.content_type,
        as_attachment=True,
        download_name=file.name,
    )
    answer.headers["Cache-Control"] = "no-store, private"
    return answer
