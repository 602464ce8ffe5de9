"""The shapes that the API answers with. They follow the screens; what other systems may rely on is in `contracts`."""

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from contracts.accounts import Address, Money
from contracts.dedup import Candidate


class View(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class RecordView(View):
    id: UUID
    version: int
    created_at: datetime
    updated_at: datetime
    created_by: UUID | None
    updated_by: UUID | None


class AccountView(RecordView):
    kind: str
    name: str
    legal_name: str | None
    account_number: str | None
    external_id: str | None
    site: str | None
    type: str | None
    industry: str | None
    rating: str | None
    phone: str | None
    phone_e164: str | None
    fax: str | None
    email: str | None
    website: str | None
    tax_number: str | None
    tax_country: str | None
    employees: int | None
    annual_revenue: Money | None
    currency: str | None
    description: str | None
    first_name: str | None
    last_name: str | None
    birthday: date | None
    billing: Address | None
    shipping: Address | None
    parent_id: UUID | None
    source: str | None
    verification: str
    verification_reason: str | None
    verified_by: UUID | None
    duplicate_of: UUID | None
    owner_id: UUID
    is_deleted: bool
    deleted_at: datetime | None


class ContactView(RecordView):
    account_id: UUID | None
    first_name: str | None
    last_name: str
    name: str
    title: str | None
    department: str | None
    roles: list[str]
    email: str | None
    phone: str | None
    phone_e164: str | None
    mobile: str | None
    mobile_e164: str | None
    birthday: date | None
    mailing: Address | None
    description: str | None
    do_not_call: bool
    email_opt_out: bool
    external_id: str | None
    source: str | None
    owner_id: UUID
    is_private: bool
    is_deleted: bool
    deleted_at: datetime | None


class Warned(BaseModel):
    """What the duplicate check found although the record was written."""

    duplicate_candidates: list[Candidate] = []
    hidden_matches: int = 0


class WrittenAccountView(AccountView, Warned):
    pass


class WrittenContactView(ContactView, Warned):
    warnings: list[str] = []


class TreeNode(View):
    id: UUID
    name: str
    site: str | None
    parent_id: UUID | None
    depth: int


class TreeView(BaseModel):
    """The company group around one account: its ancestors up to the top and everything below that top."""

    items: list[TreeNode]


class SearchHit(BaseModel):
    object: Literal["account", "contact"]
    id: UUID
    label: str
    kind: str | None = None
    detail: str | None = None
    email: str | None = None
    phone: str | None = None
    account_id: UUID | None = None
    owner_id: UUID


class SearchResult(BaseModel):
    items: list[SearchHit]


class ImportView(RecordView):
    object: str
    filename: str
    status: str
    encoding: str
    delimiter: str
    header: list[str]
    mapping: dict[str, str]
    duplicates: str
    on_invalid: str
    country: str | None
    is_dry_run: bool
    total: int
    processed: int
    created: int
    duplicate: int
    failed: int
    with_warnings: int
    owner_id: UUID
    waiting_for: str | None
    problem: str | None
    started_at: datetime | None
    finished_at: datetime | None


class ImportRowView(View):
    number: int
    outcome: str
    record_id: UUID | None
    duplicate_of: UUID | None
    problems: list[dict[str, Any]]
    cells: list[str] | None


def plain(view: type[View], row: object) -> dict[str, Any]:
    """One item of a list as it goes over the wire; lists skip the framework's second validation."""
    return view.model_validate(row).model_dump(mode="json")
