"""The wall between communities stands in PostgreSQL, whoever forgets the filter."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.kernel import audit, tenancy
from app.kernel.counters import reserve
from app.kernel.db import db, transaction
from app.kernel.tenancy import scoped
from tests.builders import found_town


def setting() -> str:
    return db.session.execute(text("SELECT current_setting('app.communities', true)")).scalar_one()


def rows(table: str) -> int:
    return db.session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()


def test_without_a_scope_no_row_of_any_community_table_is_seen(house):
    town = found_town()
    town.add_owner(town.add_unit())
    guarded = db.session.execute(
        text("SELECT relname FROM pg_class WHERE relrowsecurity AND relkind IN ('r', 'p')")
    ).scalars().all()  # fmt: skip
    assert len(guarded) > 30
    for table in guarded:
        assert rows(table) == 0, table
    with scoped([town.community_id]):
        assert rows("unit") == rows("ownership") == 1


def test_every_table_with_a_community_is_guarded(house):
    bare = db.session.execute(
        text(
            "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
            " JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT a.attisdropped"
            " AND a.attname = 'community_id' AND NOT c.relrowsecurity"
        )
    ).scalars().all()  # fmt: skip
    # A membership is read before its community is known; its door is the identity room.
    assert set(bare) <= {"membership"}


def test_a_raw_session_after_set_local_ended_sees_nothing_and_does_not_crash(town):
    """`SET LOCAL` leaves an empty string behind, which is no array."""
    town.add_unit()
    db.session.commit()
    with db.engine.connect() as connection:
        connection.exec_driver_sql(f"SET LOCAL app.communities = '{{{town.community_id}}}'")
        assert connection.exec_driver_sql("SELECT count(*) FROM unit").scalar() == 1
        connection.commit()
        assert connection.exec_driver_sql(
            "SELECT current_setting('app.communities', true)").scalar() in ("", None)  # fmt: skip
        assert connection.exec_driver_sql("SELECT count(*) FROM unit").scalar() == 0


def test_scopes_nest_and_come_back_within_one_transaction(house):
    one, two = found_town(), found_town()
    with scoped([one.community_id]):
        assert rows("mandate") == 1
        with scoped([one.community_id, two.community_id]):
            assert rows("mandate") == 2
        assert rows("mandate") == 1
        with scoped([]):
            assert rows("mandate") == 0
    assert setting() == "{}"
    assert rows("mandate") == 0


def test_scope_outlives_commits_and_rollbacks(town):
    for end in (db.session.commit, db.session.rollback):
        assert setting() == f"{{{town.community_id}}}"
        end()
    assert setting() == f"{{{town.community_id}}}"


def test_writing_into_another_community_is_refused_by_postgresql(town):
    stranger = found_town().community_id
    with pytest.raises(DBAPIError, match="row-level security"), transaction():
        reserve(stranger, "anything")


def test_a_deferred_check_still_sees_its_rows_after_the_scope_is_left(house):
    """An entry's postings are checked at commit, when the scope may be gone."""
    from app.kernel.period import Month
    from app.ledger import service
    from app.ledger.rules import Line

    town = found_town()
    with transaction():
        with scoped([town.community_id]):
            service.post(town.community_id, "service", Month(2026, 3), "t:d", "1",
                         [Line("1002", 5), Line("6001", -5)])  # fmt: skip
        assert rows("entry") == 0
    with scoped([town.community_id]):
        assert rows("entry_seal") == 1
    with pytest.raises(IntegrityError, match="no postings"), transaction():  # noqa: SIM117
        with scoped([town.community_id]):
            service.begin_entry(town.community_id, "service", Month(2026, 3), "t:d", "2")


def test_an_error_inside_a_scope_is_told_as_it_was(town):
    """Leaving the scope must not hide the error behind `current transaction is aborted`."""
    with pytest.raises(IntegrityError, match="null value"), transaction():  # noqa: SIM117
        with scoped([town.community_id]):
            db.session.execute(
                text("INSERT INTO building (community_id, code) VALUES (:c, NULL)"),
                {"c": town.community_id},
            )


def test_only_integers_reach_the_setting(house):
    with pytest.raises(ValueError, match="invalid literal"), scoped(["1}'; DROP TABLE unit; --"]):  # type: ignore[list-item]
        pass


def test_numbers_are_handed_out_in_blocks_and_come_back_on_rollback(town):
    c = town.community_id
    with transaction():
        assert reserve(c, "bill") == 1
        assert reserve(c, "bill", 100) == 2
        assert reserve(c, "other") == 1
    assert reserve(c, "bill") == 102
    db.session.rollback()
    with transaction():
        assert reserve(c, "bill") == 102


def test_the_audit_trail_knows_who_when_whence_before_and_after(town):
    who = audit.Actor(account_id=7, name="王会计", address="10.0.0.9", request_id="r-1", via="web")
    with audit.acting(who), transaction():
        audit.record("unit:changed", "unit:5", community_id=town.community_id,
                     before={"area": "80"}, after={"area": "81", "when": object})  # fmt: skip
    assert audit.actor() == audit.Actor()
    event = db.session.query(audit.AuditEvent).one()
    assert (event.account_id, event.actor_name, event.address, event.request_id, event.via) == (
        7, "王会计", "10.0.0.9", "r-1", "web")  # fmt: skip
    assert event.before == {"area": "80"}
    assert event.after["when"] == "<class 'object'>"
    assert event.at.utcoffset().total_seconds() == 0


def test_an_act_undone_leaves_no_audit_row(town):
    audit.record("unit:changed", "unit:5", community_id=town.community_id)
    db.session.flush()
    db.session.rollback()
    assert db.session.query(audit.AuditEvent).count() == 0


def test_acts_of_no_community_need_its_scope_too(house):
    with scoped([tenancy.NOWHERE]), transaction():
        audit.record("account:signed_in", "account:1")
    assert rows("audit_event") == 0
