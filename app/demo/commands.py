"""`flask demo load` and `flask demo sign-ins`."""

from __future__ import annotations

import click
from flask import Blueprint, current_app

from app.demo import load as loading
from app.demo import people
from app.identity.permissions import ROLES

pages = Blueprint("demo", __name__, cli_group="demo")


@pages.cli.command("load")
def load() -> None:
    """Load the demonstration, once; needs LINLI_DEMO=1, for its passwords are known to all."""
    if not current_app.config["DEMO"]:
        raise click.ClickException("Set LINLI_DEMO=1: the demonstration's passwords are public.")
    click.echo("loaded" if loading.load() else "already there")


@pages.cli.command("sign-ins")
def sign_ins() -> None:
    """Print who may sign in to the demonstration."""
    click.echo(f"  password of all: {people.PASSWORD}")
    for role, name, phone, code in people.table():
        second = "  (second factor: shown on its page)" if code else ""
        click.echo(f"  {phone}  {ROLES[role]} {role}  {name}{second}")
