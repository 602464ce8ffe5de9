from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, event, text
from sqlalchemy.orm import Mapped, Mapper, mapped_column

from accounts.domain import search
from accounts.domain.matching import ACCOUNT_FIELDS
from accounts.domain.verification import PERSON, REJECTED, TO_VERIFY, VERIFIED, Invoicing, reopens
from accounts.models.coding import coded_tax_number, e164_or_none, tax_number_is_valid
from accounts.models.tables import (
    BYTEWISE,
    MONEY,
    SHORT_PENDING_LIST,
    Base,
    address_columns,
    assign,
    plain_amount,
    public_values,
    read_address,
)
from chassis.db import Record, SoftDelete
from contracts.accounts import AccountState, Address, Money

REOPENED = "A verified field was edited."


class Account(Record, SoftDelete, Base):
    """A business or a person. The kind never changes; the verification changes through its own three methods."""

    __tablename__ = "accounts"

    kind: Mapped[str]
    name: Mapped[str]
    legal_name: Mapped[str | None]
    account_number: Mapped[str | None]
    external_id: Mapped[str | None]
    site: Mapped[str | None]
    type: Mapped[str | None]
    industry: Mapped[str | None]
    rating: Mapped[str | None]
    phone: Mapped[str | None]
    phone_e164: Mapped[str | None]
    fax: Mapped[str | None]
    email: Mapped[str | None]
    website: Mapped[str | None]
    tax_number: Mapped[str | None]
    tax_country: Mapped[str | None]
    employees: Mapped[int | None]
    annual_revenue_amount: Mapped[Decimal | None] = mapped_column(MONEY)
    annual_revenue_currency: Mapped[str | None]
    currency: Mapped[str | None]
    description: Mapped[str | None]
    first_name: Mapped[str | None]
    last_name: Mapped[str | None]
    birthday: Mapped[date | None]
    billing_street: Mapped[str | None]
    billing_city: Mapped[str | None]
    billing_region: Mapped[str | None]
    billing_postal_code: Mapped[str | None]
    billing_country: Mapped[str | None]
    shipping_street: Mapped[str | None]
    shipping_city: Mapped[str | None]
    shipping_region: Mapped[str | None]
    shipping_postal_code: Mapped[str | None]
    shipping_country: Mapped[str | None]
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id"))
    source: Mapped[str | None]
    verification: Mapped[str] = mapped_column(default=TO_VERIFY)
    verification_reason: Mapped[str | None]
    verified_by: Mapped[UUID | None]
    duplicate_of: Mapped[UUID | None]
    owner_id: Mapped[UUID]
    search_key: Mapped[str] = mapped_column(BYTEWISE)
    search_text: Mapped[str]

    __table_args__ = (
        CheckConstraint("kind IN ('business', 'person')", name="kind"),
        CheckConstraint("verification IN ('to_verify', 'verified', 'rejected')", name="verification"),
        CheckConstraint("parent_id <> id", name="own_parent"),
        Index(
            "ix_accounts_search_text",
            "search_text",
            postgresql_using="gin",
            postgresql_ops={"search_text": "gin_trgm_ops"},
            postgresql_with=SHORT_PENDING_LIST,
        ),
        # Only the living are listed; the few deleted ones are found by a scan of the small rest.
        *(
            Index(f"ix_accounts_{name}", *columns, postgresql_where=text("deleted_at IS NULL"))
            for name, columns in {
                "search_key": ("search_key", "id"),
                "created_at": ("created_at", "id"),
                "updated_at": ("updated_at", "id"),
                "owner": ("owner_id", "created_at", "id"),
                "verification": ("verification", "created_at", "id"),
                "industry": ("industry", "search_key", "id"),
                "type": ("type", "search_key", "id"),
                "billing_city": ("billing_city", "search_key", "id"),
                "email": ("email",),
                "phone_e164": ("phone_e164",),
                "tax_number": ("tax_number",),
                "external_id": ("external_id",),
                "parent": ("parent_id",),
            }.items()
        ),
    )

    @property
    def billing(self) -> Address | None:
        return read_address(self, "billing")

    @property
    def shipping(self) -> Address | None:
        return read_address(self, "shipping")

    @property
    def annual_revenue(self) -> Money | None:
        if self.annual_revenue_amount is None:
            return None
        amount = self.annual_revenue_amount
        return Money(amount=plain_amount(amount), currency=self.annual_revenue_currency or "EUR")

    @property
    def is_person(self) -> bool:
        return self.kind == PERSON

    def fill(self, values: Mapping[str, Any]) -> set[str]:
        """Writes public fields into their columns and everything derived from them; the names of changed columns.

        Raises TaxNumberInvalid.
        """
        columns = dict(values)
        for prefix in ("billing", "shipping"):
            if prefix in columns:
                columns |= address_columns(prefix, columns.pop(prefix))
        if "annual_revenue" in columns:
            columns |= _money_columns(columns.pop("annual_revenue"))
        columns |= self._coded_tax_number(columns)
        changed = assign(self, columns)
        return changed | assign(self, self._derived())

    def _coded_tax_number(self, columns: Mapping[str, Any]) -> dict[str, Any]:
        """Only a new number or tax country is checked: an old one must not stand in the way of a new address."""
        number = columns.get("tax_number", self.tax_number)
        if not number or not columns.keys() & {"tax_number", "tax_country"}:
            return {}
        stated = columns.get("tax_country", self.tax_country)
        coded, country = coded_tax_number(number, stated or columns.get("billing_country", self.billing_country))
        return {"tax_number": coded, "tax_country": country}

    def edit(self, values: Mapping[str, Any]) -> tuple[set[str], bool]:
        """(changed columns, whether that took the verification back)."""
        changed = self.fill(values)
        reopened = reopens(self.verification, changed)
        if reopened:
            self.reopen(REOPENED)
        return changed, reopened

    def _derived(self) -> dict[str, Any]:
        derived: dict[str, Any] = {"phone_e164": e164_or_none(self.phone, self.billing_country)}
        if self.is_person:
            derived["name"] = " ".join(filter(None, (self.first_name, self.last_name))) or self.name
        return derived

    def verify(self, by: UUID | None) -> None:
        self.verification, self.verification_reason, self.duplicate_of, self.verified_by = VERIFIED, None, None, by

    def reject(self, by: UUID | None, reason: str, duplicate_of: UUID | None) -> None:
        self.verification, self.verification_reason = REJECTED, reason
        self.duplicate_of, self.verified_by = duplicate_of, by

    def reopen(self, reason: str | None) -> None:
        self.verification, self.verification_reason, self.duplicate_of, self.verified_by = TO_VERIFY, reason, None, None

    def invoicing(self) -> Invoicing:
        return Invoicing(
            kind=self.kind,
            name=self.name,
            legal_name=self.legal_name,
            street=self.billing_street,
            city=self.billing_city,
            postal_code=self.billing_postal_code,
            country=self.billing_country,
            tax_number=self.tax_number,
            tax_number_is_valid=tax_number_is_valid(self.tax_number, self.tax_country or self.billing_country),
        )

    def match_fields(self) -> dict[str, Any]:
        return public_values(self, ACCOUNT_FIELDS)

    def state(self) -> AccountState:
        return AccountState.model_validate(self, from_attributes=True)

    def index(self) -> None:
        self.search_key = search.search_key(self.name)
        self.search_text = search.search_text(
            words=(self.name, self.legal_name, self.site, self.email),
            phones=(self.phone, self.phone_e164),
            codes=(f"{self.tax_country or ''}{self.tax_number or ''}", self.account_number, self.external_id),
        )


def _money_columns(money: Mapping[str, Any] | None) -> dict[str, Any]:
    if money is None:
        return {"annual_revenue_amount": None, "annual_revenue_currency": None}
    return {"annual_revenue_amount": Decimal(str(money["amount"])), "annual_revenue_currency": money["currency"]}


@event.listens_for(Account, "before_insert")
@event.listens_for(Account, "before_update")
def _index(mapper: Mapper[Account], connection: object, account: Account) -> None:
    account.index()
