"""When an account may be called verified, and what takes the word back."""

from collections.abc import Iterable
from typing import NamedTuple

TO_VERIFY = "to_verify"
VERIFIED = "verified"
REJECTED = "rejected"
DECISIONS = (TO_VERIFY, VERIFIED, REJECTED)

BUSINESS = "business"
PERSON = "person"
KINDS = (BUSINESS, PERSON)

# Roles whose accounts wait for the data department; everybody else who may create accounts chooses the status.
MUST_WAIT = frozenset({"sales", "sales_manager", "marketing"})
MAY_CHOOSE = frozenset({"admin", "verifier"})

# Facts that an invoice is built from: editing one of them after verification asks for a new look.
INVOICED = frozenset(
    {"legal_name", "tax_number", "tax_country"}
    | {f"billing_{part}" for part in ("street", "city", "region", "postal_code", "country")}
)

# Countries whose postal service has no codes, so that an address there is complete without one.
WITHOUT_POSTAL_CODES = frozenset(
    """
    AE AG AN AO AW BF BI BJ BO BS BW BZ CD CF CG CI CK CM DJ DM ER FJ GA GD GH GM GQ GY HK JM KI KM KN
    KP LC ML MO MR MW NR NU PA QA RW SB SC SL SR ST SY TD TF TG TK TL TO TT TV UG VU YE ZW
    """.split()  # noqa: SIM905
)


class Missing(NamedTuple):
    pointer: str
    code: str
    detail: str


class Invoicing(NamedTuple):
    """What the rule looks at, whichever table or form it comes from."""

    kind: str
    name: str
    legal_name: str | None
    street: str | None
    city: str | None
    postal_code: str | None
    country: str | None
    tax_number: str | None
    tax_number_is_valid: bool


def missing_for_verified(facts: Invoicing, *, person_needs_tax_number: bool = False) -> list[Missing]:
    """Every field to complete, so that a verifier sees the whole list and not one refusal after another."""
    missing = []
    if facts.kind == BUSINESS and not facts.legal_name:
        missing.append(Missing("/legal_name", "required", "An invoice needs the legal name."))
    missing += _missing_address(facts)
    if facts.kind == BUSINESS or person_needs_tax_number:
        missing += _missing_tax_number(facts)
    return missing


def _missing_address(facts: Invoicing) -> list[Missing]:
    parts: list[tuple[str, str | None]] = [("street", facts.street), ("city", facts.city), ("country", facts.country)]
    if (facts.country or "") not in WITHOUT_POSTAL_CODES:
        parts.append(("postal_code", facts.postal_code))
    return [
        Missing(f"/billing/{part}", "required", f"An invoice needs the billing address: {part.replace('_', ' ')}.")
        for part, value in parts
        if not value
    ]


def _missing_tax_number(facts: Invoicing) -> list[Missing]:
    if not facts.tax_number:
        return [Missing("/tax_number", "required", "An invoice needs the tax number.")]
    if not facts.tax_number_is_valid:
        return [Missing("/tax_number", "tax_number_invalid", "The tax number does not pass the check of its country.")]
    return []


def initial_status(roles: Iterable[str], wanted: str | None) -> str:
    """Sales people's accounts wait for the data department; who may verify may also choose."""
    if MAY_CHOOSE.isdisjoint(roles) or wanted is None:
        return TO_VERIFY
    return wanted


def may_choose_status(roles: Iterable[str]) -> bool:
    return not MAY_CHOOSE.isdisjoint(roles)


def reopens(status: str, changed: Iterable[str]) -> bool:
    return status == VERIFIED and not INVOICED.isdisjoint(changed)
