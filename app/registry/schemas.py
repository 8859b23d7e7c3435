"""What forms and programs may say about the roll."""

from __future__ import annotations

from app.registry import words
from app.web.fields import Area, Choice, Date, Flag, Id, Phone, Schema, Text, Upload, Whole


class CommunityFactsIn(Schema):
    """Facts of a community."""

    name = Text(required=True, least=1, most=40)
    address = Text(load_default="", most=120)
    year_built = Whole(load_default=None, least=1900, most=2100, allow_none=True)
    year_renovated = Whole(load_default=None, least=1900, most=2100, allow_none=True)
    renovation_class = Choice(words.RENOVATION_CLASS_WORDS, load_default=None, allow_none=True)
    entered_on = Date(load_default=None, allow_none=True)
    fee_mode = Choice(words.FEE_MODE_WORDS, required=True)
    transfer_policy = Choice(words.TRANSFER_POLICY_WORDS, required=True)
    due_day = Whole(required=True, least=1, most=28)
    service_phone = Phone(load_default="")


class CommunityNew(CommunityFactsIn):
    """A community to found, with its manager's mandate where one is named."""

    region_id = Id(required=True)
    organization_id = Id(load_default=None, allow_none=True)
    mandate_from = Date(load_default=None, allow_none=True)
    document_no = Text(load_default="", most=60)


class MandateNew(Schema):
    """A company's appointment."""

    organization_id = Id(required=True)
    starts_on = Date(required=True)
    ends_on = Date(load_default=None, allow_none=True)
    document_no = Text(load_default="", most=60)


class MandateEnd(Schema):
    """The end of an appointment; the day is the first without access."""

    ends_on = Date(required=True)
    reason = Text(required=True, least=2, most=200)
    sure = Flag()


class BuildingIn(Schema):
    """A building."""

    code = Text(required=True, least=1, most=20)
    address = Text(load_default="", most=120)


class EntranceIn(Schema):
    """A stair."""

    code = Text(required=True, least=1, most=20)


class UnitIn(Schema):
    """A unit's facts and where it stands."""

    building_id = Id(required=True)
    entrance_id = Id(load_default=None, allow_none=True)
    room = Text(required=True, least=1, most=20)
    area_m2 = Area(required=True)
    floor = Whole(load_default=None, allow_none=True, least=-20, most=200)
    kind = Choice(words.UNIT_KIND_WORDS, required=True)
    status = Choice(
        {k: v for k, v in words.UNIT_STATUS_WORDS.items() if k != "demolished"}, required=True
    )
    billable_from = Date(load_default=None, allow_none=True)
    billable_until = Date(load_default=None, allow_none=True)
    remark = Text(load_default="", most=200)


class UnitClose(Schema):
    """A unit that is no more."""

    on = Date(required=True)
    reason = Text(required=True, least=2, most=200)


class PersonIn(Schema):
    """A person's own facts."""

    name = Text(required=True, least=1, most=100)
    kind = Choice(words.PERSON_KIND_WORDS, load_default="natural")
    phone = Phone(load_default="")
    id_number = Text(load_default="", most=20)


class OwnerNew(PersonIn):
    """An owner beside others, or the first."""

    share = Text(load_default="1", most=11)
    starts_on = Date(required=True)
    document_no = Text(load_default="", most=60)


class Transfer(Schema):
    """A unit passes to others: one line per new owner, `name, share, phone, identity`."""

    on = Date(required=True)
    owners = Text(required=True, least=1, most=2000, lines=True)
    document_no = Text(load_default="", most=60)


class Correction(Schema):
    """What was entered wrongly, put right."""

    share = Text(required=True, least=1, most=11)
    starts_on = Date(required=True)
    ends_on = Date(load_default=None, allow_none=True)
    document_no = Text(load_default="", most=60)
    reason = Text(required=True, least=2, most=200)


class OccupantNew(PersonIn):
    """Who moves in."""

    relation = Choice(words.OCCUPANT_KIND_WORDS, required=True)
    starts_on = Date(required=True)


class OccupantEnd(Schema):
    """When someone moved out."""

    ends_on = Date(required=True)


class Merge(Schema):
    """The entry that is the same person."""

    drop_id = Id(required=True)


class RosterUpload(Schema):
    """A roster and the day its ownership begins."""

    file = Upload(required=True)
    starts_on = Date(required=True)


class RegionIn(Schema):
    """A region below another."""

    name = Text(required=True, least=2, most=40)


class RegionTop(RegionIn):
    """A region that stands alone."""

    kind = Choice(words.REGION_KIND_WORDS, required=True)


class OrganizationIn(Schema):
    """A company or office."""

    kind = Choice(words.ORGANIZATION_KIND_WORDS, required=True)
    name = Text(required=True, least=2, most=60)
    credit_code = Text(load_default="", most=18)
    phone = Phone(load_default="")
