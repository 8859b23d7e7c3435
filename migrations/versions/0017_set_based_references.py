"""Lines look up their tariff, price and scheme once a statement instead of once a row.

Revision ID: 0017
Revises: 0016

A month's lines name a handful of tariffs, prices and schemes thousands of times, and row by
row those look-ups were a third of the run. The trigger asks once for each that is named,
under the lock a foreign key takes, and also sees that the price is the tariff's own; from
the other side nothing that a line names can go. A bill's community is its run's, whose own
key says so. See docs/adr on set-based references.
"""

from __future__ import annotations

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

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

REFERRED = {
    "tariff": "tariff_id",
    "tariff_version": "version_id",
    "subsidy_scheme": "scheme_id",
}


def upgrade() -> None:
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
        op.drop_constraint(f"fk_bill_line__community_id_{column}", "bill_line", type_="foreignkey")
    op.drop_constraint("fk_bill__community_id", "bill", type_="foreignkey")


def downgrade() -> None:
    op.create_foreign_key("fk_bill__community_id", "bill", "community", ["community_id"], ["id"])
    for table, column in REFERRED.items():
        op.create_foreign_key(
            f"fk_bill_line__community_id_{column}",
            "bill_line",
            table,
            ["community_id", column],
            ["community_id", "id"],
        )
        op.execute(f"DROP TRIGGER {table}_key ON {table}")
        op.execute(f"DROP TRIGGER {table}_named ON {table}")
    op.execute("DROP TRIGGER bill_line_references_insert ON bill_line")
    op.execute("DROP TRIGGER bill_line_references_update ON bill_line")
    op.execute("DROP FUNCTION keep_what_lines_name()")
    op.execute("DROP FUNCTION check_bill_line_references()")
