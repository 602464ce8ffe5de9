from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Text, event, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, Mapper, mapped_column

from accounts.domain import search
from accounts.domain.matching import CONTACT_FIELDS
from accounts.models.coding import e164_or_none
from accounts.models.tables import (
    BYTEWISE,
    SHORT_PENDING_LIST,
    Base,
    address_columns,
    assign,
    public_values,
    read_address,
)
from chassis.db import Record, SoftDelete
from contracts.accounts import Address, ContactState


class Contact(Record, SoftDelete, Base):
    """A person who works for an account. Without one the contact is private: derived, never a flag of its own."""

    __tablename__ = "contacts"

    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id"))
    external_id: Mapped[str | None]
    first_name: Mapped[str | None]
    last_name: Mapped[str]
    title: Mapped[str | None]
    department: Mapped[str | None]
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default=text("'{}'"))
    email: Mapped[str | None]
    phone: Mapped[str | None]
    phone_e164: Mapped[str | None]
    mobile: Mapped[str | None]
    mobile_e164: Mapped[str | None]
    birthday: Mapped[date | None]
    mailing_street: Mapped[str | None]
    mailing_city: Mapped[str | None]
    mailing_region: Mapped[str | None]
    mailing_postal_code: Mapped[str | None]
    mailing_country: Mapped[str | None]
    description: Mapped[str | None]
    do_not_call: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    email_opt_out: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    source: Mapped[str | None]
    owner_id: Mapped[UUID]
    search_key: Mapped[str] = mapped_column(BYTEWISE)
    search_text: Mapped[str]

    __table_args__ = (
        Index(
            "ix_contacts_search_text",
            "search_text",
            postgresql_using="gin",
            postgresql_ops={"search_text": "gin_trgm_ops"},
            postgresql_with=SHORT_PENDING_LIST,
        ),
        *(
            Index(f"ix_contacts_{name}", *columns, postgresql_where=text("deleted_at IS NULL"))
            for name, columns in {
                "search_key": ("search_key", "id"),
                "created_at": ("created_at", "id"),
                "updated_at": ("updated_at", "id"),
                "owner": ("owner_id", "created_at", "id"),
                "account": ("account_id", "search_key", "id"),
                "email": ("email",),
                "phone_e164": ("phone_e164",),
                "mobile_e164": ("mobile_e164",),
                "external_id": ("external_id",),
            }.items()
        ),
    )

    @property
    def name(self) -> str:
        return " ".join(filter(None, (self.first_name, self.last_name)))

    @property
    def is_private(self) -> bool:
        return self.account_id is None

    @property
    def mailing(self) -> Address | None:
        return read_address(self, "mailing")

    def fill(self, values: Mapping[str, Any]) -> set[str]:
        """Writes public fields into their columns and everything derived from them; the names of changed columns."""
        columns = dict(values)
        if "mailing" in columns:
            columns |= address_columns("mailing", columns.pop("mailing"))
        changed = assign(self, columns)
        return changed | assign(self, self._derived())

    def _derived(self) -> dict[str, Any]:
        return {
            "phone_e164": e164_or_none(self.phone, self.mailing_country),
            "mobile_e164": e164_or_none(self.mobile, self.mailing_country),
        }

    def match_fields(self) -> dict[str, Any]:
        return public_values(self, CONTACT_FIELDS)

    def state(self) -> ContactState:
        return ContactState.model_validate(self, from_attributes=True)

    def index(self) -> None:
        self.search_key = search.search_key(f"{self.last_name} {self.first_name or ''}")
        self.search_text = search.search_text(
            words=(self.name, self.email),
            phones=(self.phone, self.phone_e164, self.mobile, self.mobile_e164),
            codes=(self.external_id,),
        )


@event.listens_for(Contact, "before_insert")
@event.listens_for(Contact, "before_update")
def _index(mapper: Mapper[Contact], connection: object, contact: Contact) -> None:
    contact.index()
