"""Events of the accounts service: accounts (organisations and persons), contacts, imports."""

from datetime import date
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from contracts.event import Data, Fact, Moment, State, open_set


class Money(Data):
    """An amount in one currency. The amount is text, because JSON numbers lose cents."""

    amount: str = Field(pattern=r"^-?\d+(\.\d+)?$", description="Decimal number as text, for example 1250.00.")
    currency: str = Field(pattern=r"^[A-Z]{3}$", description="ISO 4217 code, for example EUR.")


class Address(Data):
    """A postal address; every part is optional."""

    street: str | None = Field(default=None, description="Street and number; may have several lines.")
    city: str | None = Field(default=None, description="City or place.")
    region: str | None = Field(default=None, description="Province, state or region.")
    postal_code: str | None = Field(default=None, description="Postal code as written in the country.")
    country: str | None = Field(default=None, description="ISO 3166-1 alpha-2 code, for example IT.")


class AccountState(State):
    """An organisation or a person that one sells to, buys from or works with."""

    kind: Annotated[str, open_set("What the account is.", business="an organisation", person="a natural person")]
    name: str = Field(description="Name everybody knows the account by; for a person first and last name.")
    legal_name: str | None = Field(default=None, description="Registered name, with legal form.")
    account_number: str | None = Field(default=None, description="Own customer number.")
    external_id: str | None = Field(default=None, description="Id of the same account in another system.")
    site: str | None = Field(default=None, description="Branch or location, for example headquarters.")
    type: str | None = Field(default=None, description="Customer, partner, competitor and so on (picklist).")
    industry: str | None = Field(default=None, description="Industry (picklist).")
    rating: str | None = Field(default=None, description="Hot, warm, cold (picklist).")
    phone: str | None = Field(default=None, description="Telephone as typed.")
    phone_e164: str | None = Field(default=None, description="In E.164 (+390612345678); null when not a valid number.")
    fax: str | None = Field(default=None, description="Fax as typed.")
    email: str | None = Field(default=None, description="E-mail address.")
    website: str | None = Field(default=None, description="Website with scheme.")
    tax_number: str | None = Field(default=None, description="VAT or tax number, compact.")
    tax_country: str | None = Field(default=None, description="Country that gave the tax number, ISO 3166-1 alpha-2.")
    employees: int | None = Field(default=None, description="Number of employees.")
    annual_revenue: Money | None = Field(default=None, description="Yearly revenue.")
    currency: str | None = Field(default=None, description="Currency of the account, ISO 4217.")
    description: str | None = Field(default=None, description="What colleagues should know.")
    first_name: str | None = Field(default=None, description="First name of a person account.")
    last_name: str | None = Field(default=None, description="Last name of a person account.")
    birthday: date | None = Field(default=None, description="Birthday of a person account.")
    billing: Address | None = Field(default=None, description="Where invoices go.")
    shipping: Address | None = Field(default=None, description="Where goods go.")
    parent_id: UUID | None = Field(default=None, description="Parent account.")
    source: str | None = Field(
        default=None,
        description="Where the account came from, for example import or web (picklist).",
    )
    verification: Annotated[
        str,
        open_set(
            "Whether the data were checked.",
            to_verify="waits for a check",
            verified="checked and right",
            rejected="checked and refused",
        ),
    ]
    verification_reason: str | None = Field(default=None, description="Why the account was rejected or opened again.")
    owner_id: UUID = Field(description="User responsible for the account.")
    is_deleted: bool = Field(default=False, description="Deleted, and can be restored.")
    deleted_at: Moment | None = Field(default=None, description="When it was deleted.")


class AccountCreated(Fact):
    """An account was created."""

    TYPE: ClassVar[str] = "crm.accounts.account.created.v1"
    state: AccountState


class AccountChanged(Fact):
    """Fields of an account changed."""

    TYPE: ClassVar[str] = "crm.accounts.account.changed.v1"
    state: AccountState


class AccountAssigned(Fact):
    """An account got another owner; `previous.owner_id` is the former one."""

    TYPE: ClassVar[str] = "crm.accounts.account.assigned.v1"
    state: AccountState


class AccountVerified(Fact):
    """The data of an account were checked and are right."""

    TYPE: ClassVar[str] = "crm.accounts.account.verified.v1"
    state: AccountState


class AccountRejected(Fact):
    """The data of an account were checked and refused, with a reason."""

    TYPE: ClassVar[str] = "crm.accounts.account.rejected.v1"
    state: AccountState


class AccountVerificationReopened(Fact):
    """An account waits for verification again."""

    TYPE: ClassVar[str] = "crm.accounts.account.verification_reopened.v1"
    state: AccountState


class AccountDeleted(Fact):
    """An account was deleted; it can be restored."""

    TYPE: ClassVar[str] = "crm.accounts.account.deleted.v1"
    TOMBSTONE: ClassVar[bool] = True
    state: AccountState


class AccountRestored(Fact):
    """A deleted account is back."""

    TYPE: ClassVar[str] = "crm.accounts.account.restored.v1"
    state: AccountState


class ContactState(State):
    """A person at an account, or a private contact of one user."""

    account_id: UUID | None = Field(
        default=None,
        description="Account the contact belongs to; null: private to its owner.",
    )
    first_name: str | None = Field(default=None, description="First name.")
    last_name: str = Field(description="Last name.")
    title: str | None = Field(default=None, description="Job title.")
    department: str | None = Field(default=None, description="Department.")
    roles: Annotated[
        list[str], open_set("Part the contact plays in decisions, for example decision_maker (picklist).")
    ] = Field(default_factory=list)
    email: str | None = Field(default=None, description="E-mail address.")
    phone: str | None = Field(default=None, description="Telephone as typed.")
    phone_e164: str | None = Field(default=None, description="In E.164; null when not a valid number.")
    mobile: str | None = Field(default=None, description="Mobile telephone as typed.")
    mobile_e164: str | None = Field(default=None, description="In E.164; null when not a valid number.")
    birthday: date | None = Field(default=None, description="Birthday.")
    mailing: Address | None = Field(default=None, description="Postal address.")
    description: str | None = Field(default=None, description="What colleagues should know.")
    external_id: str | None = Field(default=None, description="Id of the same person in another system.")
    source: str | None = Field(default=None, description="Where the contact came from.")
    do_not_call: bool = Field(default=False, description="The person does not want calls.")
    email_opt_out: bool = Field(default=False, description="The person does not want e-mail.")
    owner_id: UUID = Field(description="User responsible for the contact.")
    is_private: bool = Field(
        default=False,
        description="Only the owner may see the contact. Subscribers must not show it to others.",
    )
    is_deleted: bool = Field(default=False, description="Deleted, and can be restored.")
    deleted_at: Moment | None = Field(default=None, description="When it was deleted.")


class ContactCreated(Fact):
    """A contact was created."""

    TYPE: ClassVar[str] = "crm.accounts.contact.created.v1"
    state: ContactState


class ContactChanged(Fact):
    """Fields of a contact changed."""

    TYPE: ClassVar[str] = "crm.accounts.contact.changed.v1"
    state: ContactState


class ContactAssigned(Fact):
    """A contact got another owner; `previous.owner_id` is the former one."""

    TYPE: ClassVar[str] = "crm.accounts.contact.assigned.v1"
    state: ContactState


class ContactPublished(Fact):
    """A private contact got an account, so that colleagues may see it."""

    TYPE: ClassVar[str] = "crm.accounts.contact.published.v1"
    state: ContactState


class ContactMadePrivate(Fact):
    """A contact lost its account and is private to its owner. Remove it from everybody else's sight."""

    TYPE: ClassVar[str] = "crm.accounts.contact.made_private.v1"
    state: ContactState


class ContactDeleted(Fact):
    """A contact was deleted; it can be restored."""

    TYPE: ClassVar[str] = "crm.accounts.contact.deleted.v1"
    TOMBSTONE: ClassVar[bool] = True
    state: ContactState


class ContactRestored(Fact):
    """A deleted contact is back."""

    TYPE: ClassVar[str] = "crm.accounts.contact.restored.v1"
    state: ContactState


class ImportState(State):
    """A file of records that is being read in, or was."""

    object: Annotated[str, open_set("What the rows are.", accounts="accounts", contacts="contacts")]
    filename: str = Field(description="Name of the file as uploaded.")
    status: Annotated[
        str,
        open_set(
            "How far it is.",
            pending="waits",
            running="being read",
            completed="every row has an outcome",
            failed="could not be read at all",
            cancelled="stopped by a person",
        ),
    ]
    total: int = Field(default=0, ge=0, description="Rows in the file.")
    created: int = Field(default=0, ge=0, description="Rows that became records.")
    duplicate: int = Field(default=0, ge=0, description="Rows refused because the record exists.")
    failed: int = Field(default=0, ge=0, description="Rows with errors.")
    owner_id: UUID = Field(description="User who uploaded the file.")


class ImportStarted(Fact):
    """A file was accepted and its rows are being read in."""

    TYPE: ClassVar[str] = "crm.accounts.import.started.v1"
    state: ImportState


class ImportCompleted(Fact):
    """Every row of a file has an outcome."""

    TYPE: ClassVar[str] = "crm.accounts.import.completed.v1"
    state: ImportState
