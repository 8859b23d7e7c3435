"""Pages of dunning: the list, a case, letters, agreements, write-offs, limitation, the resident's.

Who may not see names (the committee, the supervisors, the street) gets the lists without rooms
and names. Source: RULES G4.
"""

from app.billing.dunning.pages import (  # noqa: F401 -- their routes
    case,
    collection,
    letters,
    lists,
    resident,
    write_offs,
)
from app.billing.dunning.pages.common import pages

__all__ = ["pages"]
