"""Which facts of a record the duplicate check looks at. An edit of anything else needs no question."""

ACCOUNT_FIELDS = (
    "kind", "name", "legal_name", "site", "external_id", "phone", "phone_e164", "email", "website", "tax_number",
    "tax_country", "first_name", "last_name", "birthday", "billing", "shipping",
)  # fmt: skip
CONTACT_FIELDS = (
    "account_id",
    "first_name", "last_name", "email", "phone", "phone_e164", "mobile", "mobile_e164", "birthday", "mailing",
)  # fmt: skip

_ADDRESS = ("street", "city", "region", "postal_code", "country")
ACCOUNT_COLUMNS = frozenset(ACCOUNT_FIELDS) | {
    f"{prefix}_{part}" for prefix in ("billing", "shipping") for part in _ADDRESS
}
CONTACT_COLUMNS = frozenset(CONTACT_FIELDS) | {f"mailing_{part}" for part in _ADDRESS}
