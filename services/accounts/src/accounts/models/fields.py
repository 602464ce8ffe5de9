"""Every field that people see, once: validation, filters, documentation and screens are made from these models."""

import re
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from pydantic import BeforeValidator, model_validator

from accounts.domain.verification import BUSINESS, PERSON, TO_VERIFY
from accounts.models.options import CONTACT_ROLES, INDUSTRIES, KINDS, RATINGS, STATUSES, TYPES
from chassis import fields
from chassis.fields import AddressFields, FieldModel, Money

ACCOUNTS = "accounts.account"
USERS = "identity.user"

# Old and new text together must fit into one event, whatever its alphabet.
DESCRIPTION = 5_000
_UNTYPABLE = re.compile(r"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]")


def typable(value: Any) -> Any:
    """Without the control characters that come along when text is copied out of other programs."""
    return _UNTYPABLE.sub("", value) if isinstance(value, str) else value


Prose = Annotated[str | None, BeforeValidator(typable)]


class AccountFields(FieldModel):
    kind: Annotated[
        str, fields.picklist("Kind", help="A company, or one individual. It never changes.", options=KINDS)
    ] = BUSINESS
    name: Annotated[
        str,
        fields.text(
            "Name",
            help="The name everybody knows the account by; a person's is made of first and last name.",
            max_length=255,
        ),
    ]
    legal_name: Annotated[
        str | None,
        fields.text(
            "Legal name", help="Registered name with its legal form, as it stands on invoices.", max_length=255
        ),
    ] = None
    account_number: Annotated[
        str | None, fields.text("Account number", help="Our own customer number.", max_length=40)
    ] = None
    external_id: Annotated[
        str | None, fields.text("External id", help="Id of the same account in another system.", max_length=255)
    ] = None
    site: Annotated[
        str | None,
        fields.text(
            "Account site", help="Branch or location, to tell apart two accounts of the same name.", max_length=80
        ),
    ] = None
    type: Annotated[str | None, fields.picklist("Type", help="What the account is to us.", options=TYPES)] = None
    industry: Annotated[
        str | None, fields.picklist("Industry", help="What the account lives on.", options=INDUSTRIES)
    ] = None
    rating: Annotated[str | None, fields.picklist("Rating", help="How promising the account is.", options=RATINGS)] = (
        None
    )
    phone: Annotated[
        str | None,
        fields.phone("Phone", help="As it is dialled; kept as typed and, where it is a valid number, in E.164."),
    ] = None
    fax: Annotated[str | None, fields.phone("Fax", help="As it is dialled.")] = None
    email: Annotated[
        str | None, fields.email("E-mail", help="General address of the company, or the person's own.")
    ] = None
    website: Annotated[str | None, fields.url("Website", help="With or without https://.")] = None
    tax_number: Annotated[
        str | None, fields.tax_number("Tax number", help="VAT or tax number; checked by the rules of its country.")
    ] = None
    tax_country: Annotated[
        str | None,
        fields.country("Tax country", help="Country that gave the tax number, if not that of the billing address."),
    ] = None
    employees: Annotated[
        int | None, fields.integer("Employees", help="How many people work there.", minimum=0, maximum=10_000_000)
    ] = None
    annual_revenue: Annotated[
        Money | None, fields.money("Annual revenue", help="Amount and currency of the last year known.")
    ] = None
    currency: Annotated[
        str | None, fields.currency("Currency", help="Currency that offers and invoices use, ISO 4217.")
    ] = None
    description: Annotated[
        Prose, fields.long_text("Description", help="What colleagues should know.", max_length=DESCRIPTION)
    ] = None
    first_name: Annotated[str | None, fields.text("First name", help="Of a person account.", max_length=80)] = None
    last_name: Annotated[str | None, fields.text("Last name", help="Of a person account.", max_length=80)] = None
    birthday: Annotated[date | None, fields.date_("Birthday", help="Of a person account.")] = None
    billing: Annotated[AddressFields | None, fields.address("Billing address", help="Where invoices go.")] = None
    shipping: Annotated[AddressFields | None, fields.address("Shipping address", help="Where goods go.")] = None
    parent_id: Annotated[
        UUID | None,
        fields.reference(
            "Parent account", help="The account this one belongs to, for example the holding.", to=ACCOUNTS
        ),
    ] = None
    source: Annotated[str | None, fields.text("Source", help="Where the account came from.", max_length=120)] = None
    owner_id: Annotated[
        UUID | None, fields.reference("Owner", help="Who is responsible; yourself when left out.", to=USERS)
    ] = None

    @model_validator(mode="before")
    @classmethod
    def _name_a_person(cls, form: Any) -> Any:
        """A person's first and last name are name enough."""
        if not isinstance(form, dict) or form.get("kind") != PERSON or form.get("name"):
            return form
        names = [form[part].strip() for part in ("first_name", "last_name") if isinstance(form.get(part), str)]
        return {**form, "name": " ".join(filter(None, names))} if any(names) else form


VERIFICATION = fields.picklist(
    "Verification",
    help="Whether the data department has checked the data; changed by its own command.",
    options=STATUSES,
)


class AccountCard(AccountFields):
    """What a card shows and a list is filtered by: the form, and what only commands change."""

    verification: Annotated[str, VERIFICATION] = TO_VERIFY


class ContactFields(FieldModel):
    account_id: Annotated[
        UUID | None,
        fields.reference(
            "Account",
            help="The company the person works for. Without one the contact is private to its owner.",
            to=ACCOUNTS,
        ),
    ] = None
    first_name: Annotated[str | None, fields.text("First name", help="Given name.", max_length=80)] = None
    last_name: Annotated[
        str, fields.text("Last name", help="Family name; the one name that is required.", max_length=80)
    ]
    title: Annotated[str | None, fields.text("Title", help="Position in the company.", max_length=128)] = None
    department: Annotated[str | None, fields.text("Department", help="Where in the company.", max_length=128)] = None
    roles: Annotated[
        list[str], fields.list_of("Roles", help="What part the person plays for us.", options=CONTACT_ROLES)
    ] = []
    email: Annotated[str | None, fields.email("E-mail", help="The person's address.")] = None
    phone: Annotated[str | None, fields.phone("Phone", help="As it is dialled; kept as typed and in E.164.")] = None
    mobile: Annotated[str | None, fields.phone("Mobile", help="As it is dialled; kept as typed and in E.164.")] = None
    birthday: Annotated[date | None, fields.date_("Birthday", help="Day of birth.")] = None
    mailing: Annotated[AddressFields | None, fields.address("Mailing address", help="Where letters go.")] = None
    description: Annotated[
        Prose, fields.long_text("Description", help="What colleagues should know.", max_length=DESCRIPTION)
    ] = None
    do_not_call: Annotated[bool, fields.yes_no("Do not call", help="The person does not want to be called.")] = False
    email_opt_out: Annotated[bool, fields.yes_no("E-mail opt-out", help="The person does not want mail.")] = False
    external_id: Annotated[
        str | None, fields.text("External id", help="Id of the same person in another system.", max_length=255)
    ] = None
    source: Annotated[str | None, fields.text("Source", help="Where the contact came from.", max_length=120)] = None
    owner_id: Annotated[UUID | None, fields.reference("Owner", help="Who is responsible.", to=USERS)] = None
