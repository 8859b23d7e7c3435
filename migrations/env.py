"""Runs migrations as the owner of the tables, never as the application's role."""

from __future__ import annotations

import sys
from pathlib import Path

from alembic import context
from flask import current_app
from sqlalchemy import create_engine, pool
from sqlalchemy.dialects.postgresql.base import ischema_names

from app.kernel.db import Base
from app.ledger.models import TransactionId

ischema_names["xid8"] = TransactionId  # so that comparing models and tables knows the type
sys.path.insert(0, str(Path(__file__).parent))  # for `from guards import …` in versions


def run() -> None:
    """Apply what is asked for over MIGRATION_DATABASE_URL, in one transaction."""
    url = current_app.config["MIGRATION_DATABASE_URL"]
    if not url:
        raise SystemExit("MIGRATION_DATABASE_URL is not set: migrations run as the tables' owner.")
    engine = create_engine(url, poolclass=pool.NullPool)
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            compare_type=True,
            transaction_per_migration=False,
        )
        with context.begin_transaction():
            context.run_migrations()


run()
