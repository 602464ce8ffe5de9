"""Candidates for what is being typed: nothing is stored, nothing is reserved."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.dedup import Candidate
from dedup.domain.reading import canonical
from dedup.domain.score import LISTED
from dedup.queries.candidates import Draft, dismissed_pairs, matches_for
from dedup.queries.rules import ObjectName
from dedup.queries.visibility import Eyes, candidate_of

SHOWN = 20


class CheckDraft(BaseModel):
    """A record being typed, by the public names of its fields; fields that are not compared may be there."""

    model_config = ConfigDict(extra="forbid")

    object: ObjectName = Field(description="Kind of record.")
    record_id: UUID | None = Field(default=None, description="Id of the record when it exists already.")
    fields: dict[str, Any] = Field(description="What has been typed so far.", max_length=100)


class CheckView(BaseModel):
    """`total` counts all matches; of those, `hidden_matches` may not be shown to the asker."""

    candidates: list[Candidate]
    hidden_matches: int
    total: int


async def check_draft(session: AsyncSession, draft: CheckDraft, eyes: Eyes) -> CheckView:
    looked_up = Draft(draft.record_id, canonical(draft.object, draft.fields))
    [matches] = (await matches_for(session, [looked_up], LISTED)).matches
    if draft.record_id is not None:
        rejected = {side for pair in await dismissed_pairs(session, [draft.record_id]) for side in pair}
        matches = [match for match in matches if match.known.id not in rejected]
    seen = [
        match for match in matches if eyes.may_see(match.known.object, match.known.owner_id, match.known.is_private)
    ]
    return CheckView(
        candidates=[candidate_of(match) for match in seen[:SHOWN]],
        hidden_matches=len(matches) - len(seen),
        total=len(matches),
    )
