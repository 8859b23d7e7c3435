"""Reads of the identity room.

Where a page needs the name of a community, company or region, or a unit by its code, it is
read by SQL text: the registry is a room of the same floor and cannot be imported. These
reads take nothing but names, labels and codes.
"""

from app.identity.queries.bindings import (
    AccountOfPerson,
    HomeRow,
    accounts_of_person,
    bindings_ever,
    bindings_of,
    homes_of,
    person_at_unit,
    person_name,
    unit_by_code,
    unit_label,
    unit_names,
)
from app.identity.queries.members import (
    NamedMembership,
    account_rows,
    holds_role,
    is_last_operator,
    lies_within,
    members_at,
    named_memberships,
    region_kind,
    roles_held,
    staff_reaching,
)
from app.identity.queries.own import (
    SignInRow,
    TokenRow,
    community_names,
    sign_ins_of,
    tokens_of,
)
from app.identity.queries.reach import (
    Held,
    Program,
    Reach,
    SignedIn,
    communities_below,
    held_by,
    mandated_communities,
    organization_exists,
    program_by,
    reach_of,
    regions_up_from,
    signed_in_by,
)
from app.identity.queries.trail import trail

__all__ = [
    "AccountOfPerson",
    "Held",
    "HomeRow",
    "NamedMembership",
    "Program",
    "Reach",
    "SignInRow",
    "SignedIn",
    "TokenRow",
    "account_rows",
    "accounts_of_person",
    "bindings_ever",
    "bindings_of",
    "communities_below",
    "community_names",
    "held_by",
    "holds_role",
    "homes_of",
    "is_last_operator",
    "lies_within",
    "mandated_communities",
    "members_at",
    "named_memberships",
    "organization_exists",
    "person_at_unit",
    "person_name",
    "program_by",
    "reach_of",
    "region_kind",
    "regions_up_from",
    "roles_held",
    "sign_ins_of",
    "signed_in_by",
    "staff_reaching",
    "tokens_of",
    "trail",
    "unit_by_code",
    "unit_label",
    "unit_names",
]
