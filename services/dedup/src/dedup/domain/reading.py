"""From the public fields of an account, contact or lead to the canonical form and the label people see."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from .canonical import (
    Canonical,
    business_name,
    email_address,
    fold,
    mail_domain,
    person_name,
    phone_number,
    postcode,
    street_and_number,
    tax_number,
    web_domain,
)

ADDRESSES = {"account": ("billing", "shipping"), "contact": ("mailing",), "lead": ()}
LONGEST = 500
"""Characters of a value that are looked at; nobody is told apart by what comes after."""
PHONES = (("phone_e164", "phone"), ("mobile_e164", "mobile"))


def canonical(kind: str, fields: Mapping[str, Any]) -> Canonical:
    """`kind` is account, contact or lead; `fields` the public field names of that object, any of them missing."""
    text = partial(_text, fields)
    company, form = business_name(_company(kind, fields))
    emails = tuple(filter(None, [email_address(text("email"))]))
    tax, tax_country = tax_number(text("tax_number"), text("tax_country"))
    return Canonical(
        object=kind,
        company=company,
        form=form,
        person=_person(kind, fields),
        tax=tax,
        tax_country=tax_country,
        phones=_phones(fields),
        emails=emails,
        domain=web_domain(text("website")) or mail_domain(emails),
        born=text("birthday")[:10],
        parent=text("account_id"),
        **_address(kind, fields),
    )


def label(kind: str, fields: Mapping[str, Any]) -> str:
    person = f"{_text(fields, 'first_name')} {_text(fields, 'last_name')}".strip()
    company = _text(fields, "name") or _text(fields, "company")
    if kind == "lead" and person and company:
        return f"{person} ({company})"
    return company or person if kind == "account" else person or company


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    return "" if value is None else str(value)[:LONGEST].replace("\x00", "").strip()


def _is_person_account(fields: Mapping[str, Any]) -> bool:
    return _text(fields, "kind") == "person"


def _company(kind: str, fields: Mapping[str, Any]) -> str:
    if kind == "account":
        return "" if _is_person_account(fields) else _text(fields, "name") or _text(fields, "legal_name")
    return _text(fields, "company") if kind == "lead" else ""


def _person(kind: str, fields: Mapping[str, Any]) -> str:
    if kind == "account" and not _is_person_account(fields):
        return ""
    named = person_name(_text(fields, "first_name"), _text(fields, "last_name"))
    return named or (fold(_text(fields, "name")) if kind == "account" else "")


def _phones(fields: Mapping[str, Any]) -> tuple[str, ...]:
    found = (phone_number(_text(fields, coded) or _text(fields, typed)) for coded, typed in PHONES)
    return tuple(dict.fromkeys(filter(None, found)))


def _address(kind: str, fields: Mapping[str, Any]) -> dict[str, str]:
    place = next(filter(None, (_nested(fields, name) for name in ADDRESSES[kind])), fields)
    street, number = street_and_number(_text(place, "street"))
    return {
        "street": street,
        "number": number,
        "postcode": postcode(_text(place, "postal_code")),
        "city": fold(_text(place, "city")),
    }


def _nested(fields: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    found = fields.get(name) or fields.get(f"{name}_address")
    return found if isinstance(found, Mapping) and any(found.values()) else None
