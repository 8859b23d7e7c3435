"""Lines refer to their tariff, price and scheme by plain foreign keys again.

Revision ID: 0019
Revises: 0018

The key to the price carries the tariff, so that a line's price is always its tariff's own.
See docs/adr on plain foreign keys.
"""

from __future__ import annotations

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

# As 0017 had them.
REFERRED = {
    "tariff": "tariff_id",
    "tariff_version": "version_id",
    "subsidy_scheme": "scheme_id",
}
NAMED = """
CREATE FUNCTION check_bill_line_references() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE named record;
BEGIN
  FOR named IN SELECT DISTINCT community_id, tariff_id, version_id, scheme_id FROM added LOOP
    PERFORM FROM tariff t
      WHERE t.community_id = named.community_id AND t.id = named.tariff_id FOR KEY SHARE;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'there is no tariff % in community %', named.tariff_id, named.community_id
        USING ERRCODE = '23503', CONSTRAINT = 'fk_bill_line__tariff';
    END IF;
    IF named.version_id IS NOT NULL THEN
      PERFORM FROM tariff_version v WHERE v.community_id = named.community_id
          AND v.id = named.version_id AND v.tariff_id = named.tariff_id FOR KEY SHARE;
      IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no price % of tariff % in community %',
          named.version_id, named.tariff_id, named.community_id
          USING ERRCODE = '23503', CONSTRAINT = 'fk_bill_line__version';
      END IF;
    END IF;
    IF named.scheme_id IS NOT NULL THEN
      PERFORM FROM subsidy_scheme s
        WHERE s.community_id = named.community_id AND s.id = named.scheme_id FOR KEY SHARE;
      IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no scheme % in community %', named.scheme_id, named.community_id
          USING ERRCODE = '23503', CONSTRAINT = 'fk_bill_line__scheme';
      END IF;
    END IF;
  END LOOP;
  RETURN NULL;
END $$
"""
KEPT = """
CREATE FUNCTION keep_what_lines_name() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE named boolean;
BEGIN
  EXECUTE format('SELECT EXISTS (SELECT FROM gone g JOIN bill_line l'
                 ' ON l.community_id = g.community_id AND l.%I = g.id)', TG_ARGV[0]) INTO named;
  IF named THEN
    RAISE EXCEPTION '% is named by bill lines', TG_TABLE_NAME
      USING ERRCODE = '23503', CONSTRAINT = 'fk_bill_line__' || TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$
"""


def upgrade() -> None:
    for event in ("insert", "update"):
        op.execute(f"DROP TRIGGER bill_line_references_{event} ON bill_line")
    for table in REFERRED:
        op.execute(f"DROP TRIGGER {table}_named ON {table}")
        op.execute(f"DROP TRIGGER {table}_key ON {table}")
    op.execute("DROP FUNCTION keep_what_lines_name()")
    op.execute("DROP FUNCTION check_bill_line_references()")
    op.create_unique_constraint(
        "uq_tariff_version__community_id_tariff_id_id",
        "tariff_version",
        ["community_id", "tariff_id", "id"],
    )
    _refer("tariff_id", "tariff", ["community_id", "tariff_id"], ["community_id", "id"])
    _refer(
        "tariff_id_version_id",
        "tariff_version",
        ["community_id", "tariff_id", "version_id"],
        ["community_id", "tariff_id", "id"],
    )
    _refer("scheme_id", "subsidy_scheme", ["community_id", "scheme_id"], ["community_id", "id"])


def _refer(name: str, table: str, own: list[str], other: list[str]) -> None:
    op.create_foreign_key(f"fk_bill_line__community_id_{name}", "bill_line", table, own, other)


def downgrade() -> None:
    for name in ("scheme_id", "tariff_id_version_id", "tariff_id"):
        op.drop_constraint(f"fk_bill_line__community_id_{name}", "bill_line", type_="foreignkey")
    op.drop_constraint(
        "uq_tariff_version__community_id_tariff_id_id", "tariff_version", type_="unique"
    )
    op.execute(NAMED)
    op.execute(KEPT)
    for event in ("INSERT", "UPDATE"):
        op.execute(
            f"CREATE TRIGGER bill_line_references_{event.lower()} AFTER {event} ON bill_line"
            " REFERENCING NEW TABLE AS added"
            " FOR EACH STATEMENT EXECUTE FUNCTION check_bill_line_references()"
        )
    for table, column in REFERRED.items():
        op.execute(
            f"CREATE TRIGGER {table}_named AFTER DELETE ON {table} REFERENCING OLD TABLE AS gone"
            f" FOR EACH STATEMENT EXECUTE FUNCTION keep_what_lines_name('{column}')"
        )
        op.execute(
            f"CREATE TRIGGER {table}_key BEFORE UPDATE OF community_id, id ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
