"""The picklists, as (value, label). Values are stored as they are shown: people's files need no translation."""

from accounts.domain.verification import BUSINESS, PERSON, REJECTED, TO_VERIFY, VERIFIED

STATUSES = ((TO_VERIFY, "To verify"), (VERIFIED, "Verified"), (REJECTED, "Rejected"))
KINDS = ((BUSINESS, "Business"), (PERSON, "Person"))


def _as_shown(*values: str) -> tuple[tuple[str, str], ...]:
    return tuple((value, value) for value in values)


TYPES = _as_shown(
    "Prospect",
    "Customer - Direct",
    "Customer - Channel",
    "Channel Partner / Reseller",
    "Installation Partner",
    "Technology Partner",
    "Supplier",
    "Competitor",
    "Other",
)
RATINGS = _as_shown("Hot", "Warm", "Cold")
INDUSTRIES = _as_shown(
    "Agriculture", "Apparel", "Banking", "Biotechnology", "Chemicals", "Communications", "Construction", "Consulting",
    "Education", "Electronics", "Energy", "Engineering", "Entertainment", "Environmental", "Finance", "Food & Beverage",
    "Government", "Healthcare", "Hospitality", "Insurance", "Machinery", "Manufacturing", "Media", "Not For Profit",
    "Recreation", "Retail", "Shipping", "Technology", "Telecommunications", "Transportation", "Utilities", "Other",
)  # fmt: skip
CONTACT_ROLES = _as_shown(
    "Decision maker",
    "Economic buyer",
    "Influencer",
    "User",
    "Evaluator",
    "Accountant",
    "Lawyer",
    "Secretary",
    "Technical contact",
    "Billing contact",
    "Other",
)
