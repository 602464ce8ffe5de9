"""Events of the dedup service, and the shapes of the synchronous question `POST /api/dedup/v1/claims`."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field, JsonValue

from contracts.event import Data, Fact, Moment, State, open_set


class Reason(Data):
    """Why two records are, or are not, the same: one line per compared field."""

    field: str = Field(description="Compared field, for example name or tax_number.")
    verdict: Annotated[
        str,
        open_set(
            "What the field says.",
            decisive="alone enough",
            supports="speaks for the same",
            contradicts="speaks against the same",
        ),
    ]
    detail: str = Field(default="", description="The comparison in words.")


class DuplicateMember(Data):
    """A record in a duplicate set."""

    object: Annotated[str, open_set("Kind of record.", account="an account", contact="a contact", lead="a lead")]
    id: UUID = Field(description="Id of the record.")
    label: str = Field(default="", description="Name of the record.")
    score: float = Field(ge=0, le=1, description="How sure it belongs to the set, 0 to 1.")
    reasons: list[Reason] = Field(default_factory=list, description="Why it belongs to the set.")
    owner_id: UUID | None = Field(default=None, description="User responsible for the record.")


class DuplicateSetState(State):
    """Records that are probably the same customer."""

    object: Annotated[
        str, open_set("Kind of records.", account="accounts", contact="contacts", lead="leads", mixed="several kinds")
    ]
    status: Annotated[
        str,
        open_set(
            "What became of it.",
            open="waits for a decision",
            dismissed="somebody said: not the same",
            merged="became one record",
            expired="too few members are left",
        ),
    ]
    score: float = Field(ge=0, le=1, description="The best score of a pair in the set, 0 to 1.")
    members: list[DuplicateMember] = Field(description="The records.")
    owner_ids: list[UUID] = Field(default_factory=list, description="Users responsible for any of the records.")
    reviewed_by: UUID | None = Field(default=None, description="User who decided.")
    reviewed_at: Moment | None = Field(default=None, description="When it was decided (UTC).")


class DuplicateSetSuspected(Fact):
    """Two or more records are probably the same."""

    TYPE: ClassVar[str] = "crm.dedup.duplicate_set.suspected.v1"
    state: DuplicateSetState


class DuplicateSetExtended(Fact):
    """One more record belongs to an open set."""

    TYPE: ClassVar[str] = "crm.dedup.duplicate_set.extended.v1"
    state: DuplicateSetState


class DuplicateSetDismissed(Fact):
    """Somebody decided that the records are not the same; the pairs are not suspected again."""

    TYPE: ClassVar[str] = "crm.dedup.duplicate_set.dismissed.v1"
    state: DuplicateSetState


class DuplicateSetExpired(Fact):
    """The set lost its meaning, because records were deleted or changed."""

    TYPE: ClassVar[str] = "crm.dedup.duplicate_set.expired.v1"
    state: DuplicateSetState


class Viewer(Data):
    """Who will see the answer: candidates the person may not see are only counted."""

    user_id: UUID = Field(description="The person.")
    roles: list[str] = Field(default_factory=list, description="Roles of the person.")
    team_ids: list[UUID] = Field(default_factory=list, description="Teams of the person.")


class ClaimItem(Data):
    """A record about to be created or changed."""

    object: Literal["account", "contact", "lead"] = Field(description="Kind of record.")
    record_id: UUID = Field(description="Id the record has, or will have.")
    fields: dict[str, JsonValue] = Field(description="The record's fields by their public names.")
    event: Literal["create", "edit"] = Field(default="create", description="What is about to happen.")
    path: Literal["ui", "api", "import", "form", "restore"] = Field(
        default="api",
        description="Where the record comes from.",
    )
    action: Literal["alert"] | None = Field(
        default=None,
        description="Caller's override: report duplicates, never block.",
    )
    confirm_token: str | None = Field(
        default=None,
        description="Token of an earlier answer `confirm`: the person has seen the candidates.",
    )
    bypass_reason: str | None = Field(
        default=None,
        description="Why a person with the right creates the record in spite of a block.",
    )
    viewer: Viewer | None = Field(
        default=None,
        description="Who will see the answer; null: nobody, candidates are only counted.",
    )


class ClaimRequest(Data):
    """The question: may these records be written?"""

    items: list[ClaimItem] = Field(min_length=1, max_length=500, description="The records.")


class Candidate(Data):
    """An existing record that is probably the same."""

    object: str = Field(description="Kind of record.")
    id: UUID = Field(description="Id of the record.")
    label: str = Field(default="", description="Name of the record.")
    score: float = Field(description="How sure, 0 to 1.")
    reasons: list[Reason] = Field(default_factory=list, description="Why.")
    owner_id: UUID | None = Field(default=None, description="User responsible for the record.")


class ClaimResult(Data):
    """The answer for one record."""

    record_id: UUID = Field(description="The record of the question.")
    decision: Literal["clear", "alert", "confirm", "blocked"] = Field(
        description="clear: write it. alert: write it and tell. confirm: ask the person, repeat with the token. "
        "blocked: do not write it."
    )
    claim_id: UUID | None = Field(
        default=None,
        description="Claim to release when the record is not written after all.",
    )
    candidates: list[Candidate] = Field(
        default_factory=list,
        description="Existing records the viewer may see, best first.",
    )
    hidden_matches: int = Field(default=0, description="Further matches the viewer may not see.")
    token: str | None = Field(default=None, description="For `confirm`: send it back to go on.")
    lease_until: Moment | None = Field(default=None, description="Until then the keys are held for this record (UTC).")


class ClaimReply(Data):
    """One result per item, in the order of the question."""

    results: list[ClaimResult] = Field(description="The results.")
