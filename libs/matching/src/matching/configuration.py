"""The two configurations that are shipped: one for companies, one for persons. Nothing here depends on the data."""

from dataclasses import dataclass

from . import comparisons as by
from .comparisons import Comparison, Term
from .families import Family


@dataclass(frozen=True)
class Configuration:
    kind: str
    comparisons: tuple[Comparison, ...]
    families: tuple[Family, ...]


_NAME = Comparison("name", by.NAME_LABELS, by.company_names, ("name",), (Term(by.column("name"), (7,)),))
_GIVEN = Comparison(
    "given name", by.PART_LABELS, by.given_names, ("given",), (Term(by.column("given"), (4,)),), steady=0.1
)
_FAMILY = Comparison(
    "family name", by.PART_LABELS, by.family_names, ("family",), (Term(by.column("family"), (4,)),), steady=0.1
)
_BORN = Comparison("birth date", by.BIRTH_LABELS, by.births, ("born",), (Term(by.column("born"), (4,)),), steady=0.1)
_INDIVIDUAL = Comparison("individual", by.INDIVIDUAL_LABELS, by.individuals, ("given", "born"), steady=0.03)
_TAX = Comparison("tax number", by.TAX_LABELS, by.tax_numbers, ("tax",), (Term(by.column("tax"), (2,)),))
_PHONE = Comparison("phone", by.PHONE_LABELS, by.phones, ("phone",), (Term(by.column("phone"), (3,)),))
_CONTACT = Comparison(
    "contact",
    by.CONTACT_LABELS,
    by.contacts,
    ("email", "domain"),
    (Term(by.column("email"), (5,)), Term(by.column("domain"), (2,))),
)
_ADDRESS = Comparison(
    "address", by.ADDRESS_LABELS, by.addresses, ("street", "number", "postcode", "city"), (Term(by.place, (9, 10)),)
)
_SITE = Comparison("site", by.SITE_LABELS, by.sites, ("street", "number", "postcode", "city"), steady=0.05)
_BIRTH_PLACE = Comparison(
    "birth place", by.TEXT_LABELS, by.texts("birth_place"), ("birth_place",), (Term(by.column("birth_place"), (2,)),)
)
_OCCUPATION = Comparison(
    "occupation", by.TEXT_LABELS, by.texts("occupation"), ("occupation",), (Term(by.column("occupation"), (2,)),)
)

COMPANIES = Configuration(
    "company",
    (_NAME, _TAX, _PHONE, _CONTACT, _ADDRESS, _SITE),
    (
        Family("tax", ("tax",), 12, True),
        Family("e-mail", ("mailbox",), 8),
        Family("phone", ("phone",), 7),
        Family("address", ("postcode", "number", "street start"), 5),
        Family("street and number", ("street", "number"), 5),
        Family("number and street word", ("street sounds", "number"), 2),
        Family("domain", ("domain",), 4),
        Family("words", ("words",), 6),
        Family("word pairs", ("sound pairs",), 4),
        Family("word and postcode", ("rare sounds", "postcode"), 4),
        Family("word and city", ("rare sounds", "city start"), 3),
        Family("word and number", ("rare sounds", "number"), 3),
        Family("rarest word", ("rarest sound",), 1),
    ),
)

PERSONS = Configuration(
    "person",
    (_GIVEN, _FAMILY, _BORN, _INDIVIDUAL, _TAX, _PHONE, _CONTACT, _ADDRESS, _BIRTH_PLACE, _OCCUPATION),
    (
        Family("tax", ("tax~",), 12, True),
        Family("e-mail", ("mailbox",), 8),
        Family("mailbox name", ("local part",), 5),
        Family("phone", ("phone",), 7),
        Family("birth date and word", ("born", "word sounds"), 8),
        Family("birth date", ("born~",), 3),
        Family("birth date and area", ("born", "postcode area"), 4),
        Family("birth date and place", ("born", "birth place"), 4),
        Family("birth date and city", ("born", "city start"), 4),
        Family("year, month and word", ("year and month", "word sounds"), 3),
        Family("year, day and word", ("year and day", "word sounds"), 3),
        Family("month, day and word", ("month and day", "word sounds"), 3),
        Family("year and word", ("year", "word sounds"), 2),
        Family("word pairs", ("sound pairs",), 6),
        Family("word and postcode", ("word sounds", "postcode"), 5),
        Family("word and city", ("word sounds", "city"), 2),
        Family("word and street", ("word sounds", "street"), 3),
        Family("street and number", ("street", "number"), 4),
        Family("rarest word", ("rarest sound",), 1),
    ),
)
CONFIGURATIONS = {each.kind: each for each in (COMPANIES, PERSONS)}
