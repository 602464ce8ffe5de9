"""Rules about people and their keys: roles, passwords, how often a sign-in may fail."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from uuid import UUID, uuid5

ADMIN = "admin"

ROLES = MappingProxyType(
    {
        ADMIN: "Administrator",
        "sales_manager": "Sales manager",
        "sales": "Sales",
        "marketing": "Marketing",
        "verifier": "Verifier (data department)",
        "read_only": "Read only",
    }
)

SERVICE_ROLE = "service"
SERVICE_NAMESPACE = UUID("5b0f7a0e-5c52-5f0c-9a35-0d2f6f6b1c11")

PASSWORD_MIN = 12
PASSWORD_MAX = 256


@dataclass(frozen=True)
class Allowance:
    """How many attempts a key has at once, and after how long it gets one of them back."""

    burst: int
    regained_after: timedelta

    @property
    def tolerance(self) -> timedelta:
        return self.regained_after * self.burst


# Ten wrong passwords from one place are a person with an old note; a hundred from one address are a machine.
ATTEMPTS_PER_EMAIL_AND_IP = Allowance(10, timedelta(minutes=1))
ATTEMPTS_PER_IP = Allowance(100, timedelta(seconds=6))


def canonical_email(email: str) -> str:
    """The form in which two spellings of one address are equal."""
    return email.strip().casefold()


def password_fault(password: str, email: str) -> str | None:
    """Why this password is refused, as a stable code; None when it is fine."""
    if len(password) < PASSWORD_MIN:
        return "password_too_short"
    if len(password) > PASSWORD_MAX:
        return "password_too_long"
    if canonical_email(password) in (canonical_email(email), canonical_email(email).partition("@")[0]):
        return "password_is_email"
    if len(set(password)) < 4:
        return "password_too_simple"
    return None


PASSWORD_FAULTS = MappingProxyType(
    {
        "password_too_short": f"A password has at least {PASSWORD_MIN} characters.",
        "password_too_long": f"A password has at most {PASSWORD_MAX} characters.",
        "password_is_email": "The e-mail address cannot be the password.",
        "password_too_simple": "A password is made of at least four different characters.",
    }
)


def unknown_roles(roles: Collection[str]) -> list[str]:
    return sorted(set(roles) - ROLES.keys())


def tidy_roles(roles: Collection[str]) -> list[str]:
    """In the order of the list of roles, each once."""
    return [role for role in ROLES if role in set(roles)]


def loses_admin(roles_before: Collection[str], roles_after: Collection[str]) -> bool:
    return ADMIN in roles_before and ADMIN not in roles_after


def service_id(client_id: str) -> UUID:
    """The same for a client in every deployment, so that events name one actor."""
    return uuid5(SERVICE_NAMESPACE, client_id)
