from collections.abc import Iterable
from uuid import UUID

# A chain longer than this is a data error rather than a company group, and walking it would hold row locks for long.
MAX_DEPTH = 20


def closes_a_cycle(account_id: UUID, ancestors: Iterable[UUID]) -> bool:
    """`ancestors` = the wanted parent, its parent, and so on up."""
    return account_id in ancestors
