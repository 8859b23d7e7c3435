"""The front door: what Linli is, for whoever is not signed in; onward for whoever is."""

from __future__ import annotations

from typing import Any

from flask import redirect, render_template, url_for

from app.desk.pages.common import pages
from app.web import reader, shell
from app.web.door import public


@pages.get("/")
@public
def front() -> Any:
    """A page for strangers; the signed-in go on to where their role works."""
    if reader.reader() is not None:
        return redirect(url_for("identity.front"))
    shell.use(shell.PLAIN)
    return render_template("desk/front.html")
