"""Who may know of what. A private contact is nobody's business but its owner's, and so is all that hangs on it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID


@dataclass(frozen=True)
class Record:
    """What is known of a linked record; `is_known` is false while its facts have not arrived."""

    object: str
    label: str = ""
    owner_id: UUID | None = None
    is_private: bool = False
    is_known: bool = True

    @property
    def is_secret(self) -> bool:
        """Only its owner may hear of it. A contact that is not known yet may turn out private."""
        return self.is_private or (self.object == "contact" and not self.is_known)

    def is_shown_to(self, user_id: UUID) -> bool:
        return not self.is_secret or self.owner_id == user_id


@dataclass(frozen=True)
class Audience:
    """Who may hear of a change: everybody with the right to read such records, or these people only."""

    everybody: bool
    user_ids: frozenset[UUID] = field(default_factory=frozenset)

    def includes(self, user_id: UUID) -> bool:
        return self.everybody or user_id in self.user_ids


EVERYBODY = Audience(everybody=True)


def may_see_work(records: Sequence[Record], user_id: UUID) -> bool:
    """Whether the subject of an activity on these records may be told to the person."""
    return not records or any(record.is_shown_to(user_id) for record in records)


def audience_of_work(records: Sequence[Record], doers: frozenset[UUID]) -> Audience:
    """Who may hear of a change to an activity; those who do it also while a linked record is not known yet."""
    if not records or any(not record.is_secret for record in records):
        return EVERYBODY
    owners = {record.owner_id for record in records if record.is_private and record.owner_id}
    unknown = any(not record.is_known for record in records)
    return Audience(False, frozenset(owners) | (doers if unknown else frozenset()))


def audience_of_set(records: Sequence[Record]) -> Audience:
    """A set of duplicates means something to whoever may see at least two of its members."""
    if sum(not record.is_secret for record in records) >= 2:
        return EVERYBODY
    return Audience(False, frozenset(record.owner_id for record in records if record.owner_id))
