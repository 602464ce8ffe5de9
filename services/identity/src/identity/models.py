from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, ForeignKey, Index, LargeBinary, String, Text, Uuid, func, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from uuid_utils.compat import uuid7

from chassis.db import Record, SoftDelete, new_metadata
from contracts.identity import TeamState, UserState
from identity import domain

Moment = DateTime(timezone=True)


class Base(DeclarativeBase):
    metadata = new_metadata()


class User(Record, Base):
    __tablename__ = "users"
    __table_args__ = (
        Index("uq_users_email", func.lower(text("email")), unique=True),
        Index("ix_users_team_ids", "team_ids", postgresql_using="gin"),
    )

    email: Mapped[str] = mapped_column(String(254))
    name: Mapped[str] = mapped_column(String(200))
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text))
    team_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), default=list)
    time_zone: Mapped[str] = mapped_column(String(64), default="UTC")
    locale: Mapped[str] = mapped_column(String(35), default="en")
    is_active: Mapped[bool] = mapped_column(default=True)

    @property
    def is_active_admin(self) -> bool:
        return self.is_active and domain.ADMIN in self.roles

    def leave_team(self, team_id: UUID) -> None:
        self.team_ids = [other for other in self.team_ids if other != team_id]

    def state(self) -> UserState:
        return UserState.model_validate(self, from_attributes=True)


class Team(Record, SoftDelete, Base):
    __tablename__ = "teams"
    __table_args__ = (
        Index("uq_teams_name", func.lower(text("name")), unique=True, postgresql_where=text("deleted_at IS NULL")),
    )

    name: Mapped[str] = mapped_column(String(100))
    manager_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))

    def state(self) -> TeamState:
        return TeamState.model_validate(self, from_attributes=True)


# Reports do not see these tables.
SECRET = {"secret": True}


class Credential(Base):
    """Apart from the user's row, so that no list, event or history can ever carry a hash."""

    __tablename__ = "credentials"
    __table_args__ = {"info": SECRET}

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    password_hash: Mapped[str] = mapped_column(Text)
    changed_at: Mapped[datetime] = mapped_column(Moment, server_default=func.now(), onupdate=func.now())


class SignInSession(Base):
    """A signed-in browser or program. The refresh token itself is never stored."""

    __tablename__ = "sign_in_sessions"
    __table_args__ = {"info": SECRET}

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    created_at: Mapped[datetime] = mapped_column(Moment, server_default=func.now())
    last_used_at: Mapped[datetime] = mapped_column(Moment, server_default=func.now())
    expires_at: Mapped[datetime] = mapped_column(Moment, index=True)
    revoked_at: Mapped[datetime | None] = mapped_column(Moment)
    address: Mapped[str] = mapped_column(String(64), default="")
    user_agent: Mapped[str] = mapped_column(String(300), default="")

    def is_usable(self, now: datetime, idle: timedelta) -> bool:
        return self.revoked_at is None and now < self.expires_at and now - self.last_used_at < idle


class SignInThrottle(Base):
    """When the key's allowance is whole again (GCRA). Keys are hashes: no address is kept in the clear."""

    __tablename__ = "sign_in_throttles"
    __table_args__ = {"info": SECRET}

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    whole_at: Mapped[datetime] = mapped_column(Moment, index=True)


class ServiceAccount(Base):
    __tablename__ = "service_accounts"
    __table_args__ = {"info": SECRET}

    client_id: Mapped[str] = mapped_column(String(100), primary_key=True)
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary)
    is_active: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    updated_at: Mapped[datetime] = mapped_column(Moment, server_default=func.now(), onupdate=func.now())


class SigningKey(Base):
    """`public` is a JWK; `sealed` is the encrypted private half, destroyed when the key retires."""

    __tablename__ = "signing_keys"
    __table_args__ = {"info": SECRET}

    kid: Mapped[str] = mapped_column(String(64), primary_key=True)
    public: Mapped[dict[str, Any]] = mapped_column(JSONB)
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(Moment, server_default=func.now())
    retired_at: Mapped[datetime | None] = mapped_column(Moment)

    def retire(self) -> None:
        self.sealed = None
        self.retired_at = datetime.now(UTC)


class Preference(Base):
    """What a person set for himself: screens read and write it, nothing else depends on it."""

    __tablename__ = "preferences"

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    value: Mapped[Any] = mapped_column(JSONB)
    changed_at: Mapped[datetime] = mapped_column(Moment, server_default=func.now(), onupdate=func.now())


class SavedView(Record, Base):
    """A list's filters, order and columns under a name; `query` is the screen's own."""

    __tablename__ = "saved_views"
    __table_args__ = (
        Index("uq_saved_views_name", "owner_id", "object", func.lower(text("name")), unique=True),
        Index("ix_saved_views_object", "object"),
    )

    owner_id: Mapped[UUID]
    object: Mapped[str] = mapped_column(String(60))
    name: Mapped[str] = mapped_column(String(100))
    is_shared: Mapped[bool]
    query: Mapped[dict[str, Any]] = mapped_column(JSONB)


class Recent(Base):
    """A record that a person has opened lately."""

    __tablename__ = "recents"
    __table_args__ = (Index("ix_recents_user_id_seen_at", "user_id", "seen_at"),)

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    object: Mapped[str] = mapped_column(String(60), primary_key=True)
    record_id: Mapped[UUID] = mapped_column(primary_key=True)
    label: Mapped[str] = mapped_column(String(200))
    seen_at: Mapped[datetime] = mapped_column(Moment, server_default=func.now())
