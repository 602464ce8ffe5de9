"""Who may see which record here: everything but other people's private contacts."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, or_, true

from contracts.dedup import Candidate, Reason, Viewer
from dedup.models import KnownRecord
from dedup.queries.candidates import Match


@dataclass(frozen=True, slots=True)
class Eyes:
    """The viewer; without `user_id` nobody in particular, who sees nothing private."""

    user_id: UUID | None = None
    is_admin: bool = False

    def may_see(self, kind: str, owner_id: UUID | None, is_private: bool) -> bool:
        private = kind == "contact" and is_private
        return not private or self.is_admin or (self.user_id is not None and owner_id == self.user_id)

    def rows(self) -> ColumnElement[bool]:
        """The same as a condition on `KnownRecord`."""
        if self.is_admin:
            return true()
        return or_(~KnownRecord.is_private, KnownRecord.owner_id == self.user_id)


def eyes_of(viewer: Viewer | None) -> Eyes:
    return Eyes() if viewer is None else Eyes(viewer.user_id, "admin" in viewer.roles)


def candidate_of(match: Match) -> Candidate:
    known, comparison = match.known, match.comparison
    return Candidate(
        object=known.object,
        id=known.id,
        label=known.label,
        score=comparison.score,
        reasons=[Reason(field=why.field, verdict=why.verdict, detail=why.detail) for why in comparison.reasons],
        owner_id=known.owner_id,
    )
