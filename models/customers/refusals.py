"""Who must not be contacted, and why: what a customer refused holds until the customer says otherwise.

Neither a later click nor a later purchase takes a refusal back, and no day is too old to count. Refusals are known of
every feed that is posted, whether or not the catalogue declares it.
"""

from typing import Final

from models.customers.buckets import REFUSALS
from schemas.alert import NoContact

OPTED_OUT: Final = 1 << len(REFUSALS)
"""The bit of who said so by a command: those are known apart, the columns know of e-mails alone."""
NO_CONTACT: Final[tuple[NoContact, ...]] = (*REFUSALS, "opted_out")
"""Reasons by their bit."""
REASONS_OF: Final = tuple(
    tuple(reason for bit, reason in enumerate(NO_CONTACT) if bits & 1 << bit) for bits in range(1 << len(NO_CONTACT))
)
"""Reasons by the set of their bits."""
