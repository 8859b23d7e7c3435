"""Verbs of the roll, one business act each. Nothing here commits: the doors do."""

from app.registry.service.mandates import begin_mandate, end_mandate
from app.registry.service.occupants import add_occupant, end_occupant
from app.registry.service.owners import (
    NewOwner,
    add_owner,
    correct_ownership,
    transfer_unit,
)
from app.registry.service.people import add_person, edit_person, find_person, merge_people
from app.registry.service.places import (
    edit_community,
    edit_organization,
    found_community,
    found_organization,
    found_region,
    rename_region,
)
from app.registry.service.roll import (
    add_building,
    add_entrance,
    add_unit,
    close_unit,
    edit_building,
    edit_entrance,
    edit_unit,
    fresh_binding_code,
)

__all__ = [
    "NewOwner",
    "add_building",
    "add_entrance",
    "add_occupant",
    "add_owner",
    "add_person",
    "add_unit",
    "begin_mandate",
    "close_unit",
    "correct_ownership",
    "edit_building",
    "edit_community",
    "edit_entrance",
    "edit_organization",
    "edit_person",
    "edit_unit",
    "end_mandate",
    "end_occupant",
    "find_person",
    "found_community",
    "found_organization",
    "found_region",
    "fresh_binding_code",
    "merge_people",
    "rename_region",
    "transfer_unit",
]
