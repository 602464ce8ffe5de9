"""Items of lists, made from columns straight to plain data: a page costs a third of what mapped objects and views do.

They have the shape of the views, which the documents show and a test compares.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel
from sqlalchemy import Select, inspect, select

from accounts.models import Account, Contact
from accounts.models.tables import ADDRESS_PARTS, plain_amount
from accounts.queries.views import AccountView, ContactView


def select_accounts() -> Select[Any]:
    return _columns(Account, AccountView, ("billing", "shipping"), ("annual_revenue_amount", "annual_revenue_currency"))


def select_contacts() -> Select[Any]:
    return _columns(Contact, ContactView, ("mailing",), ())


def _columns(model: type[Any], view: type[BaseModel], addresses: Iterable[str], further: Iterable[str]) -> Select[Any]:
    mapped = {attribute.key for attribute in inspect(model).column_attrs}
    names = [name for name in view.model_fields if name in mapped]
    parts = [f"{prefix}_{part}" for prefix in addresses for part in ADDRESS_PARTS]
    return select(*(getattr(model, name) for name in [*names, *parts, *further]))


def account_item(row: Mapping[str, Any]) -> dict[str, Any]:
    item = dict(row)
    item["billing"] = _address(item, "billing")
    item["shipping"] = _address(item, "shipping")
    amount, currency = item.pop("annual_revenue_amount"), item.pop("annual_revenue_currency")
    item["annual_revenue"] = None if amount is None else {"amount": plain_amount(amount), "currency": currency}
    item["is_deleted"] = item["deleted_at"] is not None
    return item


def contact_item(row: Mapping[str, Any]) -> dict[str, Any]:
    item = dict(row)
    item["mailing"] = _address(item, "mailing")
    item["name"] = " ".join(filter(None, (item["first_name"], item["last_name"])))
    item["is_private"] = item["account_id"] is None
    item["is_deleted"] = item["deleted_at"] is not None
    return item


def _address(item: dict[str, Any], prefix: str) -> dict[str, Any] | None:
    parts = {part: item.pop(f"{prefix}_{part}") for part in ADDRESS_PARTS}
    return parts if any(parts.values()) else None
