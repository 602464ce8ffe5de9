"""Teams, kept as simply as a service can keep something."""

from datetime import date
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from sqlalchemy import BigInteger, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from chassis import fields
from chassis.db import Record, SoftDelete, new_metadata
from chassis.fields import AddressFields, FieldModel
from contracts.identity import TeamState


class Base(DeclarativeBase):
    metadata = new_metadata()


class Team(Base, Record, SoftDelete):
    __tablename__ = "teams"

    name: Mapped[str] = mapped_column(Text, unique=True)
    owner_id: Mapped[UUID | None]
    size: Mapped[int | None]
    founded_on: Mapped[date | None]
    budget: Mapped[Decimal | None]
    is_open: Mapped[bool | None]
    tags: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    email: Mapped[str | None] = mapped_column(Text)

    def state(self) -> TeamState:
        return TeamState(
            id=self.id,
            version=self.version,
            created_at=self.created_at,
            updated_at=self.updated_at,
            created_by=self.created_by,
            updated_by=self.updated_by,
            name=self.name,
            manager_id=self.owner_id,
        )


class UserReplica(Base):
    __tablename__ = "user_replicas"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger)
    name: Mapped[str] = mapped_column(Text)
    team_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))


class TeamFields(FieldModel):
    name: Annotated[str, fields.text("Name", help="What everybody calls it", max_length=40)]
    size: Annotated[int | None, fields.integer("Size", minimum=0)] = None
    founded_on: Annotated[date | None, fields.date_("Founded")] = None
    budget: Annotated[Decimal | None, fields.number("Budget", places=2)] = None
    is_open: Annotated[bool | None, fields.yes_no("Open")] = None
    tags: Annotated[list[str] | None, fields.tags("Tags")] = None
    email: Annotated[str | None, fields.email("E-mail")] = None
    owner_id: Annotated[UUID | None, fields.reference("Owner", to="identity.user")] = None
    place: Annotated[AddressFields | None, fields.address("Place")] = None
    explode: Annotated[str | None, fields.text("What goes wrong, on purpose")] = None


TeamChange = fields.partial(TeamFields)
