"""Teams and their replicas in one database: what the loops are tested and measured with."""

from uuid import UUID

from sqlalchemy import BigInteger, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from chassis.db import Record, new_metadata
from contracts.identity import TeamState


class Base(DeclarativeBase):
    metadata = new_metadata()


class Team(Base, Record):
    """Named late in the alphabet on purpose: the unit of work would flush an outbox mapped as a class before it."""

    __tablename__ = "zz_teams"
    name: Mapped[str] = mapped_column(Text)

    def state(self) -> TeamState:
        return TeamState.model_validate(self, from_attributes=True)


class TeamReplica(Base):
    __tablename__ = "team_replicas"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger)
    name: Mapped[str] = mapped_column(Text)
