"""Buildings, units, people, owners and occupants through the verbs of the room."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from sqlalchemy import select, text

from app.kernel.audit import AuditEvent
from app.kernel.db import db
from app.kernel.errors import Conflict, NotFound, RuleBroken
from app.kernel.outbox import OutboxEvent
from app.kernel.period import Month
from app.kernel.tenancy import scoped
from app.registry import queries, service
from app.registry.models import Ownership, Person, Unit
from app.registry.rules import Share
from app.registry.service import NewOwner
from tests.builders import found_town


@pytest.fixture
def home(town):
    """A unit 3-2-501 of 80 m² with nobody in it."""
    building = service.add_building(town.community_id, "3")
    entrance = service.add_entrance(town.community_id, building.id, "2")
    return service.add_unit(
        town.community_id, building.id, "501", Decimal("80.00"), entrance_id=entrance.id
    )


def news(town, topic):
    return db.session.scalars(
        select(OutboxEvent).where(
            OutboxEvent.community_id == town.community_id, OutboxEvent.topic == topic
        )
    ).all()


def acts(town):
    db.session.flush()
    return db.session.scalars(
        select(AuditEvent)
        .where(AuditEvent.community_id == town.community_id)
        .order_by(AuditEvent.id)
    ).all()


def test_a_unit_is_called_after_where_it_stands(town, home):
    assert (home.label, home.sort_key) == ("3-2-501", "00000003-00000002-00000501")
    assert len(home.binding_code) == 8
    assert queries.unit_by_label(town.community_id, "３-2-501").id == home.id


def test_renaming_a_building_renames_its_units(town, home):
    service.edit_building(town.community_id, home.building_id, "12a")
    assert home.label == "12A-2-501"
    assert home.sort_key == "00000012A-00000002-00000501"


def test_renaming_a_stair_renames_its_units(town, home):
    service.edit_entrance(town.community_id, home.entrance_id, "7")
    assert home.label == "3-7-501"


def test_two_units_never_share_a_label(town, home):
    with pytest.raises(Conflict, match="3-2-501"):
        service.add_unit(
            town.community_id, home.building_id, "501", Decimal("1"), entrance_id=home.entrance_id
        )
    clash = service.add_building(town.community_id, "3-2")
    service.add_unit(town.community_id, clash.id, "502", Decimal("1"))
    with pytest.raises(Conflict, match="3-2-502"):
        service.edit_unit(town.community_id, home.id, room="502")


def test_renaming_a_building_onto_anothers_units_is_refused(town, home):
    other = service.add_building(town.community_id, "9")
    service.add_unit(town.community_id, other.id, "2-501", Decimal("1"))
    with pytest.raises(Conflict):
        service.edit_building(town.community_id, other.id, "3")
    service.add_unit(town.community_id, home.building_id, "7", Decimal("1"))
    lone = service.add_building(town.community_id, "X")
    service.add_unit(town.community_id, lone.id, "7", Decimal("1"))
    service.edit_building(town.community_id, lone.id, "X1")
    assert queries.unit_by_label(town.community_id, "X1-7") is not None


@pytest.mark.parametrize("area", ["-1", "88.475", "1000000.01"])
def test_areas_have_two_decimals_and_are_not_negative(town, home, area):
    with pytest.raises(RuleBroken):
        service.edit_unit(town.community_id, home.id, area_m2=Decimal(area))


def test_a_demolished_unit_is_billed_until_its_day_and_keeps_its_past(town, home):
    service.close_unit(town.community_id, home.id, date(2026, 3, 1), "拆除")
    found = queries.unit(town.community_id, home.id)
    assert (found.status, found.billable_until) == ("demolished", date(2026, 3, 1))
    assert queries.counts(town.community_id).unit_count == 0
    with pytest.raises(Conflict):
        service.close_unit(town.community_id, home.id, date(2026, 4, 1), "再拆")


def test_phone_and_identity_never_reach_the_audit_trail_or_the_table_in_clear(town):
    person = service.add_person(
        town.community_id, "张三", phone="138 0013 8000", id_number="11010519491231002x"
    )
    service.edit_person(town.community_id, person.id, phone="13900139000")
    db.session.flush()
    for event in acts(town):
        said = f"{event.before} {event.after}"
        assert "13800138000" not in said
        assert "13900139000" not in said
        assert "11010519491231002X" not in said
    raw = db.session.execute(
        text("SELECT phone, id_number, phone_tail FROM person WHERE community_id = :c AND id = :i"),
        {"c": town.community_id, "i": person.id},
    ).one()
    assert b"13900139000" not in bytes(raw.phone)
    assert b"11010519491231002X" not in bytes(raw.id_number)
    assert raw.phone_tail == "9000"
    opened = queries.person(town.community_id, person.id)
    assert (opened.phone, opened.id_number) == ("13900139000", "11010519491231002X")


def test_a_person_is_found_again_by_identity_or_by_name_and_phone(town):
    first = service.add_person(town.community_id, "张三", phone="13800138000")
    again = service.add_person(
        town.community_id, "张三", phone="13800138000", id_number="11010519491231002X"
    )
    assert again.id == first.id
    assert service.add_person(town.community_id, "张三", id_number="11010519491231002X") is first
    spouse = service.add_person(town.community_id, "李四", phone="13800138000")
    assert spouse.id != first.id  # families share a phone


def test_an_identity_known_under_another_name_is_not_taken_silently(town):
    service.add_person(town.community_id, "张三", id_number="11010519491231002X")
    with pytest.raises(Conflict) as refusal:
        service.add_person(town.community_id, "李四", id_number="11010519491231002X")
    assert "张三" not in str(refusal.value)


def test_merging_passes_what_was_owned(town, home):
    keep = service.add_person(town.community_id, "张三")
    drop = service.add_person(town.community_id, "张 三", phone="13800138000")
    service.add_owner(town.community_id, home.id, drop.id, date(2020, 1, 1))
    service.merge_people(town.community_id, keep.id, drop.id)
    db.session.expire_all()
    assert [o.person_id for o in queries.ownership_history(town.community_id, home.id)] == [keep.id]
    assert queries.person(town.community_id, keep.id).phone == "13800138000"
    with pytest.raises(NotFound):
        queries.person(town.community_id, drop.id)


def test_a_transfer_closes_the_old_and_opens_the_new_in_one_act(town, home):
    seller = service.add_person(town.community_id, "卖方")
    buyer = service.add_person(town.community_id, "买方")
    service.add_owner(town.community_id, home.id, seller.id, date(2010, 1, 1))
    service.transfer_unit(
        town.community_id, home.id, [NewOwner(buyer.id)], date(2026, 3, 16), document_no="证1"
    )
    days = [
        (o.name, o.starts_on, o.ends_on)
        for o in queries.ownership_history(town.community_id, home.id)
    ]
    assert days == [
        ("买方", date(2026, 3, 16), None),
        ("卖方", date(2010, 1, 1), date(2026, 3, 16)),
    ]
    [told] = news(town, "unit:transferred")
    assert told.payload == {
        "unit_id": home.id,
        "on": "2026-03-16",
        "from": [seller.id],
        "to": [buyer.id],
    }
    march = queries.holders_in_month(town.community_id, home.id, Month(2026, 3))
    assert [(h.name, (h.ends_on - h.starts_on).days) for h in march] == [("卖方", 15), ("买方", 16)]


def test_who_keeps_the_same_part_is_left_untouched(town, home):
    wife, husband, buyer = (service.add_person(town.community_id, n) for n in ("甲", "乙", "丙"))
    kept = service.add_owner(
        town.community_id, home.id, wife.id, date(2010, 1, 1), share=Share(1, 2)
    )
    service.add_owner(town.community_id, home.id, husband.id, date(2010, 1, 1), share=Share(1, 2))
    service.transfer_unit(
        town.community_id,
        home.id,
        [NewOwner(wife.id, Share(2, 4)), NewOwner(buyer.id, Share(1, 2))],
        date(2026, 1, 1),
    )
    assert kept.ends_on is None
    owners = queries.owners_of(town.community_id, home.id, date(2026, 1, 1))
    assert {o.name for o in owners} == {"甲", "丙"}
    assert sum(o.share for o in owners) == Fraction(1)


def test_shares_of_a_day_never_exceed_the_whole(town, home):
    one, two = (service.add_person(town.community_id, n) for n in ("甲", "乙"))
    service.add_owner(town.community_id, home.id, one.id, date(2020, 1, 1), share=Share(2, 3))
    with pytest.raises(Conflict):
        service.add_owner(town.community_id, home.id, two.id, date(2021, 1, 1), share=Share(1, 2))
    with pytest.raises(RuleBroken):
        service.transfer_unit(
            town.community_id, home.id, [NewOwner(two.id, Share(1, 2))], date(2026, 1, 1)
        )


def test_the_database_itself_refuses_more_than_a_whole(town, home):
    one = service.add_person(town.community_id, "甲")
    for _ in range(2):
        db.session.add(
            Ownership(
                community_id=town.community_id,
                unit_id=home.id,
                person_id=one.id,
                starts_on=date(2020, 1, 1),
            )
        )
    with pytest.raises(Exception, match="more than one"):
        db.session.flush()
    db.session.rollback()


def test_a_transfer_into_written_history_is_refused(town, home):
    one, two = (service.add_person(town.community_id, n) for n in ("甲", "乙"))
    service.add_owner(town.community_id, home.id, one.id, date(2020, 1, 1))
    for on in (date(2019, 1, 1), date(2020, 1, 1)):
        with pytest.raises(Conflict):
            service.transfer_unit(town.community_id, home.id, [NewOwner(two.id)], on)
    with pytest.raises(Conflict):
        service.transfer_unit(town.community_id, home.id, [NewOwner(one.id)], date(2021, 1, 1))


def test_a_correction_keeps_its_reason(town, home):
    one = service.add_person(town.community_id, "甲")
    row = service.add_owner(town.community_id, home.id, one.id, date(2020, 1, 1))
    service.correct_ownership(
        town.community_id,
        row.id,
        share=Share(1, 2),
        starts_on=date(2019, 5, 1),
        ends_on=None,
        document_no="证2",
        reason="录入有误",
    )
    last = acts(town)[-1]
    assert last.action == "registry:correct-ownership"
    assert (last.before["share"], last.after["share"]) == ("1/1", "1/2")
    assert last.after["reason"] == "录入有误"


def test_occupants_come_and_go(town, home):
    tenant = service.add_person(town.community_id, "租客")
    row = service.add_occupant(town.community_id, home.id, tenant.id, "tenant", date(2025, 1, 1))
    with pytest.raises(Conflict):
        service.add_occupant(town.community_id, home.id, tenant.id, "tenant", date(2025, 2, 1))
    service.end_occupant(town.community_id, row.id, date(2026, 1, 1))
    [found] = queries.occupants_of(town.community_id, home.id)
    assert found.ends_on == date(2026, 1, 1)
    assert found.masked == "租**"


def test_another_communitys_rows_do_not_exist_here(town, home):
    stranger = found_town()
    unit = stranger.add_unit("1-101")
    with scoped([stranger.community_id]):
        theirs = unit.id
        person = stranger.add_owner(unit).id
    for act in (
        lambda: service.edit_unit(town.community_id, theirs, room="9"),
        lambda: service.add_owner(town.community_id, theirs, person, date(2020, 1, 1)),
        lambda: service.edit_person(town.community_id, person, name="x"),
        lambda: queries.unit(town.community_id, theirs),
        lambda: queries.person(town.community_id, person),
        lambda: service.edit_unit(stranger.community_id, theirs, room="9"),
        lambda: service.edit_unit(town.community_id, 2**70, room="9"),
    ):
        with pytest.raises(NotFound):
            act()


def test_a_search_finds_label_room_name_and_phone_tail(town, home):
    other = service.add_unit(town.community_id, home.building_id, "1001", Decimal("60"))
    owner = service.add_person(town.community_id, "欧阳锋", phone="13800138765")
    service.add_owner(town.community_id, home.id, owner.id, date(2020, 1, 1))

    def labels(word):
        return [u.label for u in queries.search_units(town.community_id, word)]

    assert labels("3-2-5") == []  # labels are found by whole numbers: 5 is not 501
    assert labels("3-2") == ["3-2-501"]
    assert labels("3") == ["3-2-501", "3-1001"]
    assert labels("1001") == [other.label]
    assert labels("欧阳") == ["3-2-501"]
    assert labels("8765") == ["3-2-501"]
    assert labels("13800138765") == ["3-2-501"]
    assert labels("%") == []
    assert labels("") == []
    assert [p.name for p in queries.search_people(town.community_id, "欧")] == ["欧阳锋"]


def test_counts_leave_out_what_is_gone(town, home):
    town.add_unit("9-1", kind="parking", area="12.50")
    counted = queries.counts(town.community_id)
    assert (counted.unit_count, counted.residential_count, counted.without_owner_count) == (2, 1, 2)
    assert counted.area_m2 == Decimal("92.50")
    assert [b.code for b in queries.buildings(town.community_id)] == ["3", "9"]


def test_every_act_leaves_one_audit_row(town, home):
    assert [one.action for one in acts(town)] == [
        "registry:add-building",
        "registry:add-entrance",
        "registry:add-unit",
    ]
    service.edit_unit(town.community_id, home.id, remark="")
    assert len(acts(town)) == 3  # nothing changed, nothing to tell


def test_rows_agree_with_the_models(town, home):
    assert (
        db.session.scalar(select(Unit.label).where(Unit.community_id == town.community_id))
        == queries.unit(town.community_id, home.id).label
    )
    assert (
        db.session.scalars(select(Person).where(Person.community_id == town.community_id)).all()
        == []
    )
