"""A CSV of organisations typed by many people: the same file for the same seed, and the truth in the column `true_id`.

About one row in five is one more spelling of an organisation that is in the file already, and one in two hundred has
no name, as files have that come from people. Different organisations may share a name or a street.
"""

import csv
import io
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

from meridian.demo.countries import COUNTRIES, Country

COLUMNS = (
    "id",
    "name",
    "street",
    "postal_code",
    "city",
    "region",
    "country",
    "phone",
    "email",
    "website",
    "tax_number",
    "true_id",
)
SHARE_OF_ORIGINALS = 0.8
NAMELESS_EVERY = 200


@dataclass(frozen=True)
class Row:
    """One line of the file, as typed."""

    name: str
    form: str
    street: str
    postal_code: str
    city: str
    region: str
    country: str
    phone: str
    email: str
    website: str
    tax_number: str
    true_id: int

    @property
    def full_name(self) -> str:
        return f"{self.name} {self.form}".strip()


def demo_rows(rows: int, seed: int = 1) -> list[dict[str, str]]:
    """`rows` lines by column name, in the order of the file; ValueError when there are not at least ten."""
    if rows < 10:
        raise ValueError("a demo file has at least ten rows")
    originals = organisations(round(rows * SHARE_OF_ORIGINALS), seed)
    random = Random(f"again {seed}")
    again = [_retyped(random, random.choice(originals)) for _ in range(rows - len(originals))]
    mixed = originals + again
    random.shuffle(mixed)
    return [_line(number, row) for number, row in enumerate(mixed, start=1)]


def organisations(count: int, seed: int) -> list[Row]:
    """That many different organisations, each typed well."""
    random = Random(seed)
    return [_organisation(random, number) for number in range(1, count + 1)]


def demo_csv(rows: int, seed: int = 1) -> str:
    """The file as text."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(demo_rows(rows, seed))
    return text.getvalue()


def _line(number: int, row: Row) -> dict[str, str]:
    return {
        "id": f"D{number:05d}",
        "name": "" if number % NAMELESS_EVERY == 0 else row.full_name,
        "street": row.street,
        "postal_code": row.postal_code,
        "city": row.city,
        "region": row.region,
        "country": row.country,
        "phone": row.phone,
        "email": row.email,
        "website": row.website,
        "tax_number": row.tax_number,
        "true_id": str(row.true_id),
    }


def _organisation(random: Random, number: int) -> Row:
    country = random.choice(COUNTRIES)
    city = random.choice(country.cities)
    name = country.name(random.choice(country.trades), _owner(random, country))
    site = f"{plain(name)}-{number}.{country.domain}"
    return Row(
        name=name,
        form=random.choice(random.choice(country.forms)),
        street=country.address(random.choice(country.streets), random.randint(1, 180)),
        postal_code=country.postal_code(city.postal, random),
        city=city.name,
        region=city.region,
        country=country.code,
        phone=_phone(random, country, city.area),
        email=f"{country.mailboxes[0]}@{site}",
        website=f"https://www.{site}" if random.random() < 0.6 else "",
        tax_number=country.tax_number(random) if random.random() < 0.7 else "",
        true_id=number,
    )


def _owner(random: Random, country: Country) -> str:
    surname = random.choice(country.surnames)
    return surname if random.random() < 0.5 else f"{random.choice(country.first_names)} {surname}"


def _phone(random: Random, country: Country, area: str) -> str:
    match country.code:
        case "GB":
            return f"{area} 0{random.randint(100, 999)}"
        case "PL":
            return f"{area} {random.randint(200, 899)} {random.randint(10, 99)} {random.randint(10, 99)}"
        case "ES":
            return f"{area} {random.randint(100, 799)} {random.randint(10, 99)} {random.randint(10, 99)}"
        case _:
            return f"{area} {random.randint(200, 899)} {random.randint(1000, 9999)}"


def plain(text: str) -> str:
    """Lower-case letters and digits without accents, joined by hyphens."""
    folded = unicodedata.normalize("NFKD", text.replace("ł", "l").replace("Ł", "L")).encode("ascii", "ignore").decode()
    words = "".join(letter if letter.isalnum() else " " for letter in folded.replace("'", "").lower())
    return "-".join(words.split())


def _retyped(random: Random, row: Row) -> Row:
    """The same organisation as somebody else typed it."""
    country = next(each for each in COUNTRIES if each.code == row.country)
    for change in random.sample(CHANGES, random.randint(2, 4)):
        row = change(random, country, row)
    return row


def _other_form(random: Random, country: Country, row: Row) -> Row:
    spellings = next((family for family in country.forms if row.form in family), ("",))
    return replace(row, form=random.choice([*spellings, ""]))


def _typing_error(random: Random, country: Country, row: Row) -> Row:
    place = random.randrange(1, len(row.name) - 1)
    before, letter, after = row.name[:place], row.name[place], row.name[place + 1 :]
    return replace(
        row, name=random.choice([before + after, before + letter + letter + after, _swapped(row.name, place)])
    )


def _swapped(text: str, place: int) -> str:
    return text[:place] + text[place + 1] + text[place] + text[place + 2 :]


def _loud(random: Random, country: Country, row: Row) -> Row:
    return replace(row, name=row.name.upper(), street=row.street.upper(), city=row.city.upper())


def _without_accents(random: Random, country: Country, row: Row) -> Row:
    return replace(row, name=plain(row.name).replace("-", " ").title(), city=plain(row.city).replace("-", " ").title())


def _abbreviated(random: Random, country: Country, row: Row) -> Row:
    street = row.street
    for word, short in country.abbreviations:
        street = street.replace(word, short)
    return replace(row, street=street)


def _international_phone(random: Random, country: Country, row: Row) -> Row:
    digits = "".join(filter(str.isdigit, row.phone))
    if not digits:
        return row
    # The leading zero belongs to an Italian number and not to a British one.
    return replace(row, phone=country.dial + (digits.removeprefix("0") if country.code == "GB" else digits))


def _no_phone(random: Random, country: Country, row: Row) -> Row:
    return replace(row, phone="")


def _no_tax_number(random: Random, country: Country, row: Row) -> Row:
    return replace(row, tax_number="")


def _other_mailbox(random: Random, country: Country, row: Row) -> Row:
    _, _, domain = row.email.partition("@")
    return replace(row, email=random.choice([f"{mailbox}@{domain}" for mailbox in country.mailboxes[1:]] + [""]))


CHANGES: tuple[Callable[[Random, Country, Row], Row], ...] = (
    _other_form,
    _typing_error,
    _loud,
    _without_accents,
    _abbreviated,
    _international_phone,
    _no_phone,
    _no_tax_number,
    _other_mailbox,
)
