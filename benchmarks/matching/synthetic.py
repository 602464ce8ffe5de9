"""Companies and persons that never were, with known duplicates; the same for the same seed, no file needed.

Hard on purpose: chains with one brand and many tax numbers, office buildings, accountants' phones, families at one
address, namesakes, values left out, spelt wrongly, abbreviated, swapped, moved.
"""

import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

import numpy as np
from anyascii import anyascii

from matching.configuration import COMPANIES, PERSONS

from .sets import Labelled, Row


def _words(text: str) -> list[str]:
    return text.split()


_SYLLABLES = _words(
    """
    ka mo ra tex pol bud ex ma ro lo vi ta no ve xi do me ga su ti an el or is um pro tri eco neo al fa be li zen
    ner gi ax on ix us ter mar kor wan del san bri cro sta qui za pa lu fe di co ri hel nor sun
    """
)
_TRADES = _words(
    """
    Transport Logistics Consulting Software Studio Media Finanse Elektro Auto Serwis Dental Clinic Pharma Stal Plast
    Meble Moda Food Agro Energy Solar Data Cloud Print Travel Hotel Market Trade Import Group Partners Solutions
    Automation Security Instal Klima Okna Sport Beauty Akademia Kancelaria Projekt Optyka Film Bau Technik Handel
    Costruzioni Servizi Impianti Trasporti Services Engineering Foods Design
    """
)
_FORMS = {
    "PL": ("Sp. z o.o.", "sp. z o.o.", "Spółka z ograniczoną odpowiedzialnością", "S.A.", "sp.j.", "s.c.", ""),
    "DE": ("GmbH", "G.m.b.H.", "GmbH & Co. KG", "AG", "UG (haftungsbeschränkt)", ""),
    "IT": ("S.r.l.", "SRL", "S.p.A.", "s.n.c.", ""),
    "GB": ("Ltd", "Limited", "LLP", "plc", ""),
}
_CITIES = {
    "PL": _words(
        "Warszawa Kraków Łódź Wrocław Poznań Gdańsk Szczecin Lublin Katowice Gdynia Toruń Rzeszów Kielce Opole"
    ),
    "DE": _words("Berlin München Hamburg Köln Frankfurt Stuttgart Düsseldorf Leipzig Dortmund Nürnberg"),
    "IT": _words("Milano Roma Torino Napoli Bologna Firenze Verona Padova Genova Brescia"),
    "GB": _words("London Manchester Leeds Bristol Glasgow Liverpool Sheffield Cardiff"),
}
_STREETS = {
    "PL": ("ul. {} {}", "{} {}", "Ul. {} {}"),
    "DE": ("{}straße {}", "{}str. {}", "{} Straße {}"),
    "IT": ("Via {} {}", "via {}, {}", "{} {}"),
    "GB": ("{1} {0} Street", "{1} {0} St", "{1} {0} St."),
}
_FIRST = _words(
    """
    Anna Maria Katarzyna Małgorzata Ewa Magdalena Monika Joanna Zofia Piotr Krzysztof Andrzej Tomasz Paweł Jan
    Michał Marcin Jakub Adam Łukasz Hans Peter Klaus Stefan Thomas Jürgen Sabine Petra John James Robert Mary Linda
    David William Luca Giulia Marco Giovanni Chiara Francesca Paolo
    """
)
_LAST_ENDINGS = ("ski", "cki", "wicz", "czyk", "ak", "ek", "uk", "er", "mann", "son", "ini", "etti", "elli", "s", "ley")
_FREE = ("gmail.com", "wp.pl", "onet.pl", "gmx.de", "web.de", "libero.it", "outlook.com", "yahoo.com")


@dataclass(frozen=True)
class Missing:
    """Chance that a field is empty in one record."""

    often: float = 0.45
    sometimes: float = 0.3
    seldom: float = 0.12


class _Source:
    """Draws with one seeded generator, so that everything follows from the seed."""

    def __init__(self, size: int, seed: int) -> None:
        self.random = Random(seed)
        self.brands = [self.word(2, 4) for _ in range(max(200, size // 6))]
        self.families = [
            self.word(1, 2) + self.random.choice(_LAST_ENDINGS) for _ in range(max(100, min(size // 20, 8000)))
        ]
        self.streets = [self.word(2, 3) for _ in range(300)]
        self.buildings = [
            (self.random.choice(self.streets), self.random.randint(1, 150)) for _ in range(max(10, size // 300))
        ]
        self.desks = [str(self.random.randint(10**8, 10**9 - 1)) for _ in range(max(5, size // 300))]

    def word(self, least: int, most: int) -> str:
        return "".join(self.random.choices(_SYLLABLES, k=self.random.randint(least, most))).capitalize()

    def frequent(self, values: list[str], power: float = 2.0) -> str:
        """The first values of the list often, the last ones seldom."""
        return values[int(len(values) * self.random.random() ** power)]

    def maybe(self, chance: float) -> bool:
        return self.random.random() < chance

    def typo(self, text: str) -> str:
        if len(text) < 3:
            return text
        at = self.random.randrange(len(text) - 1)
        letter = self.random.choice(string.digits if text[at].isdigit() else string.ascii_lowercase)
        return self.random.choice(
            (
                text[:at] + text[at + 1 :],
                text[:at] + text[at] + text[at:],
                text[:at] + text[at + 1] + text[at] + text[at + 2 :],
                text[:at] + letter + text[at + 1 :],
            )
        )


def _check_digit(digits: str, weights: tuple[int, ...]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=True)) % 11


def _polish_tax_number(source: _Source) -> str:
    while True:
        digits = f"{source.random.randint(10**8, 10**9 - 1)}"
        check = _check_digit(digits, (6, 5, 7, 2, 3, 4, 5, 6, 7))
        if check < 10:
            return f"{digits}{check}"


def _company(source: _Source, entities: list[Row]) -> Row:
    country = source.random.choices(list(_FORMS), (6, 2, 2, 1))[0]
    street, number = source.random.choice(source.streets), source.random.randint(1, 220)
    if source.maybe(0.06):
        street, number = source.random.choice(source.buildings)
    city = source.frequent(_CITIES[country])
    brand = source.frequent(source.brands, 1.6)
    words = [brand, *source.random.sample(_TRADES, source.random.choice((0, 1, 1, 2)))]
    if source.maybe(0.25):
        words = [source.random.choice(_FIRST), source.frequent(source.families), *words[1:]]
    slug = "".join(letter for letter in anyascii(" ".join(words)).lower() if letter.isalnum())
    top = {"PL": "pl", "DE": "de", "IT": "it", "GB": "co.uk"}[country]
    row: Row = {
        "name": " ".join(words),
        "form": source.random.choice(_FORMS[country]),
        "country": country,
        "tax_number": _polish_tax_number(source) if country == "PL" else str(source.random.randint(10**9, 10**10 - 1)),
        "phone": source.random.choice(source.desks)
        if source.maybe(0.01)
        else str(source.random.randint(2 * 10**8, 10**9 - 1)),
        "street": street,
        "number": str(number),
        "postcode": f"{hash_of(city) % 90 + 10}{source.random.randint(0, 999):03}",
        "city": city,
        "domain": f"{slug[:22]}{source.random.randint(2, 99) if source.maybe(0.2) else ''}.{top}"
        if source.maybe(0.62)
        else None,
        "free": f"{slug[:14]}{source.random.randint(1, 99)}@{source.random.choice(_FREE)}",
    }
    if entities and source.maybe(0.015):
        chain = source.random.choice(entities)
        row.update({name: chain[name] for name in ("name", "form", "domain", "country")})
    return row


def hash_of(text: str) -> int:
    """A number that does not change between processes."""
    return sum(at * ord(letter) for at, letter in enumerate(text, 7))


def _company_record(entity: Row, source: _Source, is_copy: bool, missing: Missing) -> Row:
    row = dict(entity)
    if is_copy:
        _wear_company(row, source)
    country = row["country"] or "PL"
    street = source.random.choice(_STREETS[country]).format(row["street"], row["number"])
    if source.maybe(0.25):
        street += source.random.choice((f"/{source.random.randint(1, 60)}", f" lok. {source.random.randint(1, 60)}"))
    domain = row["domain"]
    box = f"{source.random.choice(('info', 'office', 'kontakt', 'biuro'))}@{domain}" if domain else row["free"]
    name = f"{row['name']} {row['form']}".strip() if source.maybe(0.8) else row["name"] or ""
    written: Row = {
        "name": source.random.choice((name, name, name, name.upper(), anyascii(name))),
        "country": country,
        "tax_number": row["tax_number"],
        "phone": row["phone"],
        "street": street,
        "postcode": row["postcode"],
        "city": row["city"],
        "email": box,
        "website": f"www.{domain}" if domain else None,
    }
    _forget(written, source, {"tax_number": missing.often, "phone": missing.sometimes, "email": missing.sometimes})
    _forget(
        written, source, {"website": missing.often, "street": missing.seldom, "postcode": missing.seldom, "city": 0.06}
    )
    return written


def _forget(row: Row, source: _Source, chances: dict[str, float]) -> None:
    row.update({name: None for name, chance in chances.items() if source.maybe(chance)})


def _wear_company(row: Row, source: _Source) -> None:
    words = (row["name"] or "").split()
    if source.maybe(0.1):
        source.random.shuffle(words)
    if len(words) > 2 and source.maybe(0.12):
        words.pop()
    if source.maybe(0.15):
        words = [word[:4] + "." if word in _TRADES and len(word) > 6 else word for word in words]
    name = " ".join(words)
    row["name"] = source.typo(name) if source.maybe(0.22) else name
    if source.maybe(0.05):
        row["name"] = f"{row['name']} {source.random.choice(('Polska', 'Oddział', 'Group', '(NEW)'))}"
    if source.maybe(0.1):
        row.update(street=source.random.choice(source.streets), number=str(source.random.randint(1, 220)))
        row["postcode"] = f"{(row['postcode'] or '')[:2]}{source.random.randint(0, 999):03}"
    for field, chance in (("street", 0.1), ("postcode", 0.05), ("city", 0.08), ("tax_number", 0.04), ("phone", 0.03)):
        if source.maybe(chance):
            row[field] = source.typo(row[field] or "")
    if source.maybe(0.18):
        row["phone"] = str(source.random.randint(2 * 10**8, 10**9 - 1))


def _date(random: Random) -> str:
    return f"{random.randint(1940, 2005)}-{random.randint(1, 12):02}-{random.randint(1, 28):02}"


def _person(source: _Source, entities: list[Row]) -> Row:
    given, family = source.frequent(_FIRST, 1.5), source.frequent(source.families, 1.7)
    row: Row = {
        "given_name": given,
        "family_name": family,
        "birth_date": _date(source.random),
        "phone": str(source.random.randint(5 * 10**8, 9 * 10**8)),
        "email": f"{anyascii(given[0] + family).lower()}{source.random.randint(1, 9999)}@{source.random.choice(_FREE)}",
        "street": source.random.choice(source.streets),
        "number": str(source.random.randint(1, 220)),
        "postcode": str(source.random.randint(10000, 99999)),
        "city": source.frequent(_CITIES["PL"]),
        "country": "PL",
    }
    if entities and source.maybe(0.08):
        relative = source.random.choice(entities)
        row.update({name: relative[name] for name in ("family_name", "street", "number", "postcode", "city")})
    return row


def _person_record(entity: Row, source: _Source, is_copy: bool, missing: Missing) -> Row:
    row = dict(entity)
    if is_copy:
        for field, chance in (
            ("given_name", 0.15),
            ("family_name", 0.15),
            ("birth_date", 0.12),
            ("email", 0.08),
            ("street", 0.15),
        ):
            if source.maybe(chance):
                row[field] = source.typo(row[field] or "")
        if source.maybe(0.06):
            row["given_name"], row["family_name"] = row["family_name"], row["given_name"]
        if source.maybe(0.15):
            row["phone"] = str(source.random.randint(5 * 10**8, 9 * 10**8))
    _forget(row, source, {"phone": missing.often, "email": missing.sometimes, "birth_date": missing.sometimes})
    _forget(row, source, {"street": missing.sometimes, "number": missing.sometimes, "postcode": missing.sometimes})
    return row


Draw = Callable[[_Source, list[Row]], Row]
Write = Callable[[Row, _Source, bool, Missing], Row]


def _drawn(size: int, seed: int, draw: Draw, write: Write) -> tuple[list[Row], list[int]]:
    """Four fifths entities, one fifth further records of them; three in ten of those of a few that come again."""
    source = _Source(size, seed)
    entities: list[Row] = []
    for _ in range(size - size // 5):
        entities.append(draw(source, entities))
    heavy = source.random.sample(range(len(entities)), max(1, size // 60))
    copied = [
        source.random.choice(heavy) if source.maybe(0.3) else source.random.randrange(len(entities))
        for _ in range(size // 5)
    ]
    order = [*((at, False) for at in range(len(entities))), *((at, True) for at in copied)]
    source.random.shuffle(order)
    return [write(entities[at], source, is_copy, Missing()) for at, is_copy in order], [at for at, _ in order]


def synthetic_companies(size: int, seed: int) -> Labelled:
    rows, entities = _drawn(size, seed, _company, _company_record)
    return Labelled(f"companies {size:,} seed {seed}", COMPANIES, rows, np.array(entities))


def synthetic_persons(size: int, seed: int) -> Labelled:
    rows, entities = _drawn(size, seed, _person, _person_record)
    return Labelled(f"persons {size:,} seed {seed}", PERSONS, rows, np.array(entities))


def synthetic(size: int) -> Iterator[Labelled]:
    for seed in (7, 11):
        yield synthetic_companies(size, seed)
        yield synthetic_persons(size, seed)
