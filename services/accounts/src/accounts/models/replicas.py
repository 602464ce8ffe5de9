from uuid import UUID

from sqlalchemy import Text, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from accounts.models.tables import Base


class UserReplica(Base):
    """What this service must know about users: whom a record may be given to, and who is on whose team."""

    __tablename__ = "user_replicas"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    name: Mapped[str]
    email: Mapped[str]
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    team_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), server_default=text("'{}'"))
    is_active: Mapped[bool]
    time_zone: Mapped[str]
    locale: Mapped[str]
