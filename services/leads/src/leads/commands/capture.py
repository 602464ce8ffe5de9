"""How leads come in: entered by users, sent by other systems, or through a form on a web site."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, StringConstraints, ValidationError
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from chassis.access import Access
from chassis.auth import Principal
from chassis.errors import FieldProblem, Forbidden, Invalid, TooManyRequests
from chassis.fields import reference, text
from chassis.outbox import emit
from chassis.problems import field_problem
from chassis.service import Runtime
from contracts.leads import LeadCaptured
from leads.commands.claims import Answers, DuplicateBlocked, Found, claimed, question
from leads.commands.places import Place, chosen_place, record_assignment
from leads.domain import HONEYPOT, Status, first_status, missing_identity, split_utm, status_named, storable, yes_or_no
from leads.models import Form, Lead, Submission, UserReplica
from leads.queries.fields import LeadFields, PersonFields
from leads.queries.forms import form_by_key
from leads.queries.leads import CapturedLead, LeadView
from leads.queries.statuses import statuses_in_force

UtmName = Annotated[str, StringConstraints(max_length=50)]
UtmValue = Annotated[str, StringConstraints(max_length=255)]


class CaptureLead(LeadFields):
    """A new lead. Without an owner or a queue it waits in the default queue."""

    owner_id: Annotated[UUID | None, reference("Owner", "User who works on the lead", to="identity.user")] = None
    queue_id: Annotated[UUID | None, reference("Queue", "Queue it waits in", to="leads.queue")] = None
    utm: dict[UtmName, UtmValue] = Field(
        default={}, max_length=50, description="utm_* parameters of the landing page, without the prefix"
    )
    duplicate_token: Annotated[
        str | None, text("Duplicate token", "From an answer duplicate_confirm: save it all the same", max_length=200)
    ] = None
    duplicate_bypass_reason: Annotated[
        str | None, text("Bypass reason", "Why a block does not apply, from users who may say so", max_length=1000)
    ] = None


PLACE = {"owner_id", "queue_id"}
SAID = {"duplicate_token", "duplicate_bypass_reason"}


class TooManySubmissions(TooManyRequests):
    code = "too_many_submissions"
    title = "This form has taken as much as it takes in a minute"


async def capture_lead(session: AsyncSession, runtime: Runtime, access: Access, command: CaptureLead) -> CapturedLead:
    """Raises Invalid (422), DuplicateBlocked or DuplicateConfirm (409)."""
    principal = access.principal
    require_identity(command.company, command.is_person)
    wanted = Place(command.owner_id, command.queue_id)
    await _require_assignable(session, access, wanted.owner_id)
    place = await chosen_place(session, principal, wanted)
    lead = await new_lead(session, _written(command), place)
    item = question(lead, "create", "api", principal=principal, answers=_said(command))
    async with claimed(runtime, item) as found:
        await _store(session, lead, found, by=_user(principal))
        return captured_view(lead, found)


def _written(command: CaptureLead) -> dict[str, Any]:
    unnamed = {"status"} - command.model_fields_set
    return command.model_dump(exclude=PLACE | SAID | unnamed)


async def _require_assignable(session: AsyncSession, access: Access, owner_id: UUID | None) -> None:
    """A lead for somebody else is an assignment as well."""
    if owner_id is None or owner_id == access.principal.id:
        return
    owner = await session.get(UserReplica, owner_id)
    if not access.to("assign").covers(owner_id, owner.team_ids if owner else ()):
        raise Forbidden("You may not enter leads for this user.")


def _said(command: CaptureLead) -> Answers:
    return Answers(command.duplicate_token, command.duplicate_bypass_reason)


def _user(principal: Principal | None) -> UUID | None:
    return principal.id if principal is not None and principal.kind == "user" else None


def require_identity(company: str | None, is_person: bool) -> None:
    if missing_identity(company, is_person):
        sentence = "Name the company, or tick that it is a private person."
        raise Invalid(errors=[FieldProblem("/company", "required", sentence)])


async def chosen_status(session: AsyncSession, value: str | None) -> Status:
    """The status of that name; the first open one when nobody named any. Raises Invalid."""
    statuses = await statuses_in_force(session)
    found = first_status(statuses) if value is None else status_named(statuses, value)
    if found is None:
        known = ", ".join(status.value for status in statuses)
        raise Invalid(errors=[FieldProblem("/status", "not_an_option", f"Status is one of: {known}.")])
    if found.category == "converted":
        sentence = "Only a conversion makes a lead converted."
        raise Invalid(errors=[FieldProblem("/status", "not_by_hand", sentence)])
    return found


async def new_lead(session: AsyncSession, values: dict[str, Any], place: Place, *, form: str | None = None) -> Lead:
    """Filled but not stored yet."""
    status = await chosen_status(session, values.pop("status", None))
    lead = Lead(id=uuid7(), score=0, form=form, duplicate_check="done")
    lead.fill(values)
    lead.move(status)
    lead.assign(owner_id=place.owner_id, queue_id=place.queue_id)
    return lead


async def _store(session: AsyncSession, lead: Lead, found: Found, *, by: UUID | None) -> None:
    lead.duplicate_check = found.check
    session.add(lead)
    record_assignment(session, lead, Place(), "captured", by=by)
    await emit(session, LeadCaptured, lead)


def captured_view(lead: Lead, found: Found) -> CapturedLead:
    return CapturedLead(
        **LeadView.model_validate(lead).model_dump(),
        duplicate_candidates=list(found.candidates),
        hidden_matches=found.hidden_matches,
    )


async def submit_form(session: AsyncSession, runtime: Runtime, key: str, sent: dict[str, Any]) -> UUID:
    """Takes what a web site's visitor sent; the id of the submission.

    Whoever asks learns nothing about what is known already: a duplicate and a robot get the same answer as a lead.
    Raises FormNotFound (404), Invalid (422), TooManySubmissions (429).
    """
    form = await form_by_key(session, key)
    await _require_room(session, form)
    fields, utm = split_utm(sent)
    is_robot = bool(fields.pop(HONEYPOT, None))
    if is_robot:
        return _submitted(session, form, "spam", storable(fields))
    person = person_of(fields)
    lead = await _lead_of(session, form, person, utm)
    outcome = await _take(session, runtime, lead)
    kept = {**person.model_dump(mode="json", exclude_none=True), **({"utm": utm} if utm else {})}
    return _submitted(session, form, outcome, kept, lead.id if outcome == "captured" else None)


def _submitted(
    session: AsyncSession, form: Form, outcome: str, fields: dict[str, Any], lead_id: UUID | None = None
) -> UUID:
    submission = Submission(id=uuid7(), form_id=form.id, outcome=outcome, fields=fields, lead_id=lead_id)
    session.add(submission)
    return submission.id


async def _require_room(session: AsyncSession, form: Form) -> None:
    last_minute = Submission.received_at > func.clock_timestamp() - func.make_interval(0, 0, 0, 0, 0, 1)
    statement = select(func.count()).select_from(Submission).where(Submission.form_id == form.id, last_minute)
    if (await session.execute(statement)).scalar_one() >= form.per_minute:
        raise TooManySubmissions(headers={"Retry-After": "60"})


def person_of(fields: dict[str, Any]) -> PersonFields:
    """Raises Invalid with a pointer to each field that cannot be taken."""
    ticked = fields.get("is_person")
    given = {**fields, "is_person": yes_or_no(ticked)} if isinstance(ticked, str) else fields
    try:
        person = PersonFields.model_validate(given)
    except ValidationError as error:
        found = [field_problem({**each, "loc": ("body", *each["loc"])}) for each in error.errors()]
        raise Invalid(errors=found) from error
    require_identity(person.company, person.is_person)
    return person


async def _lead_of(session: AsyncSession, form: Form, person: PersonFields, utm: dict[str, str]) -> Lead:
    place = await chosen_place(session, None, Place(queue_id=form.queue_id))
    values = {**person.model_dump(), "source": form.source, "campaign": form.campaign, "utm": utm}
    return await new_lead(session, values, place, form=form.key)


async def _take(session: AsyncSession, runtime: Runtime, lead: Lead) -> str:
    try:
        async with claimed(runtime, question(lead, "create", "form")) as found:
            await _store(session, lead, found, by=None)
    except DuplicateBlocked:
        return "duplicate"
    return "captured"
