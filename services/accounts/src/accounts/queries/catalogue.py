"""What lists can be filtered, sorted and searched by."""

from accounts.models import Account, Contact
from accounts.models.fields import AccountCard, ContactFields
from accounts.queries.search import found_in
from accounts.queries.views import AccountView, ContactView
from chassis.fields import ObjectCatalogue

_ADDRESS = ("street", "city", "region", "postal_code", "country")

ACCOUNTS = ObjectCatalogue(
    name="account",
    label="Account",
    plural="Accounts",
    help="A company one does business with, or a person who is a customer without one.",
    model=AccountCard,
    view=AccountView,
    columns=Account,
    filterable=(
        "created_by",
        "updated_by",
        "phone_e164",
        *(f"billing_{part}" for part in _ADDRESS),
        *(f"shipping_{part}" for part in _ADDRESS),
    ),
    sortable=("billing_city", "billing_country"),
    # By code points `Zebra` would stand before `apple`, and `Łódź` after both.
    expressions={"name": Account.search_key},
    search=lambda words: found_in(Account, words),
)

CONTACTS = ObjectCatalogue(
    name="contact",
    label="Contact",
    plural="Contacts",
    help="A person who works for an account. Without an account it is private to its owner.",
    model=ContactFields,
    view=ContactView,
    columns=Contact,
    filterable=("created_by", "updated_by", "phone_e164", "mobile_e164", *(f"mailing_{part}" for part in _ADDRESS)),
    sortable=("mailing_city",),
    expressions={"last_name": Contact.search_key},
    search=lambda words: found_in(Contact, words),
)
