"""Which field belongs to which kind of activity."""

from enum import StrEnum


class Kind(StrEnum):
    CALL = "call"
    TASK = "task"
    APPOINTMENT = "appointment"
    NOTE = "note"


class Status(StrEnum):
    PLANNED = "planned"
    DONE = "done"
    CANCELLED = "cancelled"


OUTCOMES = ("reached", "no_answer", "left_message", "busy", "wrong_number", "call_back")
"""Known results of a call; organisations may write others."""

ONLY_FOR: dict[str, frozenset[Kind]] = {
    "location": frozenset({Kind.APPOINTMENT}),
    "outcome": frozenset({Kind.CALL}),
    "duration_minutes": frozenset({Kind.CALL, Kind.APPOINTMENT}),
    "wall_time": frozenset({Kind.CALL, Kind.TASK, Kind.APPOINTMENT}),
    "due_on": frozenset({Kind.CALL, Kind.TASK, Kind.APPOINTMENT}),
    "reminders": frozenset({Kind.CALL, Kind.TASK, Kind.APPOINTMENT}),
}

CONTACT_KINDS = frozenset({Kind.CALL, Kind.APPOINTMENT})
"""Done ones count as "we were in touch"; tasks and notes are our own work."""

LONGEST_NOTE = 200_000

DEFAULT_SUBJECTS = {Kind.NOTE: "Note"}
DEFAULT_MINUTES: dict[Kind, tuple[int, ...]] = {
    Kind.CALL: (15,),
    Kind.APPOINTMENT: (30,),
    Kind.TASK: (0,),
    Kind.NOTE: (),
}


def misplaced_fields(kind: str, values: dict[str, object]) -> list[str]:
    """Names of the filled fields that this kind does not have."""
    return [name for name, kinds in ONLY_FOR.items() if values.get(name) and Kind(kind) not in kinds]


def allows_status(kind: str, wished: str | None) -> bool:
    """A note cannot be planned."""
    return not (kind == Kind.NOTE and wished == Status.PLANNED)


def missing_fields(kind: str, status: str, values: dict[str, object]) -> list[str]:
    """Names of the fields without which this kind makes no sense."""
    required = ["text"] if kind == Kind.NOTE else ["subject"]
    if kind == Kind.APPOINTMENT and status == Status.PLANNED and not values.get("due_on"):
        required.append("wall_time")
    return [name for name in required if not values.get(name)]


def initial_status(kind: str, wished: str | None) -> Status:
    """A note is a fact the moment it is written; everything else is planned unless the writer says that it is done."""
    if kind == Kind.NOTE:
        return Status.DONE
    return Status(wished) if wished else Status.PLANNED
