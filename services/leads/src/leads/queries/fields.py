"""What a lead consists of, in one place: validation, filters, forms and documents come from here."""

from typing import Annotated

from chassis import fields
from chassis.fields import FieldModel
from leads.domain import DEFAULT_STATUSES

SOURCES = [
    ("web", "Web site"),
    ("form", "Web form"),
    ("toll_free", "Toll-free number"),
    ("cold_call", "Cold call"),
    ("email", "E-mail"),
    ("messenger", "Instant messenger"),
    ("social", "Social network"),
    ("trade_fair", "Trade fair"),
    ("print_ad", "Print advertisement"),
    ("partner", "Partner referral"),
    ("import", "Import"),
    ("api", "Another system"),
]


class PersonFields(FieldModel):
    """What somebody tells about himself; a form on a web site takes exactly these."""

    first_name: Annotated[str | None, fields.text("First name", "First name of the person", max_length=100)] = None
    last_name: Annotated[str, fields.text("Last name", "Last name of the person, or how he is called", max_length=100)]
    company: Annotated[str | None, fields.text("Company", "Organisation the person speaks for")] = None
    is_person: Annotated[bool, fields.yes_no("Private person", "Speaks for himself and for no organisation")] = False
    title: Annotated[str | None, fields.text("Job title", max_length=100)] = None
    email: Annotated[str | None, fields.email("E-mail", "Where the person is answered")] = None
    phone: Annotated[str | None, fields.phone("Phone", "As dialled from the country below, or with +")] = None
    mobile: Annotated[str | None, fields.phone("Mobile", "As dialled from the country below, or with +")] = None
    website: Annotated[str | None, fields.url("Web site", "Page of the organisation")] = None
    street: Annotated[str | None, fields.text("Street", "Street and number, floor, flat")] = None
    city: Annotated[str | None, fields.text("City", max_length=100)] = None
    region: Annotated[str | None, fields.text("Region", "State, province, voivodeship", max_length=100)] = None
    postal_code: Annotated[str | None, fields.text("Postal code", max_length=20)] = None
    country: Annotated[str | None, fields.country("Country", "ISO 3166 code of two letters")] = None
    tax_number: Annotated[str | None, fields.tax_number("Tax number", "VAT or tax number of the organisation")] = None
    description: Annotated[str | None, fields.long_text("Request", "What the person asked for", max_length=10_000)] = (
        None
    )


class LeadFields(PersonFields):
    """Everything that users may write; last name, company or private person, and the status are needed."""

    status: Annotated[
        str,
        fields.picklist(
            "Status",
            "Where the lead stands; the administrator keeps the list",
            options=[(status.value, status.label) for status in DEFAULT_STATUSES],
            open_set=True,
            max_length=50,
        ),
    ] = DEFAULT_STATUSES[0].value
    source: Annotated[
        str | None, fields.picklist("Source", "Channel or place the lead came from", options=SOURCES, open_set=True)
    ] = None
    campaign: Annotated[str | None, fields.text("Campaign", "Campaign that brought the lead")] = None
