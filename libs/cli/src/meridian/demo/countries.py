"""Words of four countries, from which organisations are made up, and their tax numbers with right check digits."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True)
class City:
    """Where an organisation sits: name, region, how its postal codes begin, how its telephone numbers begin."""

    name: str
    region: str
    postal: str
    area: str


@dataclass(frozen=True)
class Country:
    code: str
    dial: str
    domain: str
    cities: tuple[City, ...]
    streets: tuple[str, ...]
    trades: tuple[str, ...]
    surnames: tuple[str, ...]
    first_names: tuple[str, ...]
    forms: tuple[tuple[str, ...], ...]
    abbreviations: tuple[tuple[str, str], ...]
    mailboxes: tuple[str, ...]
    name: Callable[[str, str], str]
    address: Callable[[str, int], str]
    postal_code: Callable[[str, Random], str]
    tax_number: Callable[[Random], str]


def _digits(random: Random, count: int) -> list[int]:
    return [random.randrange(10) for _ in range(count)]


def _text(digits: list[int]) -> str:
    return "".join(map(str, digits))


def partita_iva(random: Random) -> str:
    """Italian VAT number: seven digits, a province, a check digit (Luhn)."""
    digits = [*_digits(random, 7), *map(int, f"{random.randint(1, 95):03d}")]
    doubled = [value if place % 2 == 0 else value * 2 - 9 * (value > 4) for place, value in enumerate(digits)]
    return _text(digits) + str(-sum(doubled) % 10)


def nip(random: Random) -> str:
    """Polish tax number: nine digits and a weighted sum modulo 11 that is not 10."""
    while True:
        digits = [random.randint(1, 9), random.randint(1, 9), random.randint(1, 9), *_digits(random, 6)]
        check = sum(weight * digit for weight, digit in zip((6, 5, 7, 2, 3, 4, 5, 6, 7), digits, strict=True)) % 11
        if check < 10:
            return _text(digits) + str(check)


def cif(random: Random) -> str:
    """Spanish number of a limited company: B, seven digits, a check digit."""
    digits = [*map(int, f"{random.randint(1, 52):02d}"), *_digits(random, 5)]
    doubled = sum(sum(divmod(2 * digit, 10)) for digit in digits[::2])
    return f"B{_text(digits)}{-(doubled + sum(digits[1::2])) % 10}"


def vat_gb(random: Random) -> str:
    """British VAT number: seven digits and what completes a weighted sum to a multiple of 97."""
    digits = [random.randint(1, 9), *_digits(random, 6)]
    total = sum(weight * digit for weight, digit in zip(range(8, 1, -1), digits, strict=True))
    return f"GB{_text(digits)}{97 - total % 97:02d}"


ITALY = Country(
    code="IT",
    dial="+39",
    domain="it.example",
    cities=(
        City("Roma", "RM", "001", "06"),
        City("Milano", "MI", "201", "02"),
        City("Torino", "TO", "101", "011"),
        City("Bologna", "BO", "401", "051"),
        City("Forlì", "FC", "471", "0543"),
        City("Napoli", "NA", "801", "081"),
        City("L'Aquila", "AQ", "671", "0862"),
    ),
    streets=(
        "Via Garibaldi",
        "Via Roma",
        "Via XX Settembre",
        "Corso Vittorio Emanuele",
        "Viale della Libertà",
        "Piazza San Marco",
        "Via Niccolò Machiavelli",
        "Piazza della Repubblica",
        "Via Sant'Agostino",
        "Corso Cavour",
    ),
    trades=(
        "Asilo Nido",
        "Scuola dell'Infanzia",
        "Panificio",
        "Officina Meccanica",
        "Studio Legale",
        "Farmacia",
        "Trattoria",
        "Ferramenta",
        "Cantina",
        "Tipografia",
        "Carrozzeria",
        "Ceramiche",
        "Caffè",
        "Libreria",
    ),
    surnames=(
        "Rossi",
        "Bianchi",
        "Ferrari",
        "Esposito",
        "Colombo",
        "Ricci",
        "Marino",
        "Greco",
        "Bruno",
        "Gallo",
        "Conti",
        "De Luca",
        "Mancini",
        "Costa",
        "Giordano",
        "Rizzo",
        "Lombardi",
        "Moretti",
        "D'Angelo",
        "Fontana",
        "Caruso",
        "Santoro",
        "Nicolò",
        "Ferrara",
    ),
    first_names=("Giulia", "Marco", "Sofia", "Luca", "Chiara", "Niccolò", "Elena", "Matteo"),
    forms=(("S.r.l.", "SRL", "srl", "S.R.L."), ("S.p.A.", "SpA", "SPA"), ("S.n.c.", "Snc"), ("S.a.s.", "SAS")),
    abbreviations=(("Via", "V."), ("Piazza", "P.zza"), ("Corso", "C.so"), ("Viale", "V.le")),
    mailboxes=("info", "segreteria", "amministrazione"),
    name=lambda trade, owner: f"{trade} {owner}",
    address=lambda street, number: f"{street} {number}",
    postal_code=lambda prefix, random: f"{prefix}{random.randint(10, 99)}",
    tax_number=partita_iva,
)
POLAND = Country(
    code="PL",
    dial="+48",
    domain="pl.example",
    cities=(
        City("Warszawa", "mazowieckie", "00", "22"),
        City("Kraków", "małopolskie", "30", "12"),
        City("Łódź", "łódzkie", "90", "42"),
        City("Wrocław", "dolnośląskie", "50", "71"),
        City("Gdańsk", "pomorskie", "80", "58"),
        City("Poznań", "wielkopolskie", "60", "61"),
        City("Rzeszów", "podkarpackie", "35", "17"),
    ),
    streets=(
        "ulica Długa",
        "ulica Kościuszki",
        "ulica Piłsudskiego",
        "aleja Niepodległości",
        "ulica Świętego Wawrzyńca",
        "plac Wolności",
        "ulica Mickiewicza",
        "aleja Róż",
        "ulica Żelazna",
        "ulica Słowackiego",
    ),
    trades=(
        "Przedszkole",
        "Żłobek",
        "Piekarnia",
        "Zakład Mechaniczny",
        "Kancelaria Prawna",
        "Apteka",
        "Restauracja",
        "Hurtownia",
        "Drukarnia",
        "Usługi Księgowe",
        "Księgarnia",
        "Cukiernia",
        "Stolarnia",
        "Przychodnia",
    ),
    surnames=(
        "Nowak",
        "Kowalski",
        "Wiśniewski",
        "Wójcik",
        "Kowalczyk",
        "Kamiński",
        "Lewandowski",
        "Zieliński",
        "Szymański",
        "Woźniak",
        "Dąbrowski",
        "Kozłowski",
        "Jankowski",
        "Mazur",
        "Krawczyk",
        "Piotrowski",
        "Grabowski",
        "Pawłowski",
        "Michalski",
        "Król",
        "Wieczorek",
        "Jabłoński",
        "Wróbel",
        "Żak",
    ),
    first_names=("Łucja", "Paweł", "Zofia", "Michał", "Agnieszka", "Stanisław", "Małgorzata", "Jakub"),
    forms=(
        ("Sp. z o.o.", "sp. z o. o.", "Spółka z o.o.", "Spółka z ograniczoną odpowiedzialnością"),
        ("S.A.", "SA", "Spółka Akcyjna"),
        ("sp. j.", "Spółka jawna"),
    ),
    abbreviations=(("ulica", "ul."), ("aleja", "al."), ("plac", "pl.")),
    mailboxes=("biuro", "kontakt", "sekretariat"),
    name=lambda trade, owner: f"{trade} {owner}",
    address=lambda street, number: f"{street} {number}",
    postal_code=lambda prefix, random: f"{prefix}-{random.randint(100, 999)}",
    tax_number=nip,
)
SPAIN = Country(
    code="ES",
    dial="+34",
    domain="es.example",
    cities=(
        City("Madrid", "Madrid", "280", "91"),
        City("Barcelona", "Barcelona", "080", "93"),
        City("València", "València", "460", "96"),
        City("Sevilla", "Sevilla", "410", "95"),
        City("Málaga", "Málaga", "290", "95"),
        City("A Coruña", "A Coruña", "150", "98"),
    ),
    streets=(
        "Calle Mayor",
        "Calle de Alcalá",
        "Avenida de la Constitución",
        "Plaza de España",
        "Calle José Ortega y Gasset",
        "Paseo de Gracia",
        "Avenida Andalucía",
        "Calle Peñón",
        "Plaza del Pilar",
        "Calle San Andrés",
    ),
    trades=(
        "Guardería",
        "Escuela Infantil",
        "Panadería",
        "Talleres",
        "Asesoría",
        "Farmacia",
        "Restaurante",
        "Ferretería",
        "Bodegas",
        "Imprenta",
        "Librería",
        "Clínica",
        "Viajes",
        "Muebles",
    ),
    surnames=(
        "García",
        "Fernández",
        "González",
        "Rodríguez",
        "López",
        "Martínez",
        "Sánchez",
        "Pérez",
        "Gómez",
        "Martín",
        "Jiménez",
        "Ruiz",
        "Hernández",
        "Díaz",
        "Muñoz",
        "Álvarez",
        "Romero",
        "Gutiérrez",
        "Navarro",
        "Domínguez",
        "Núñez",
        "Ibáñez",
        "Ordóñez",
        "Peña",
    ),
    first_names=("Lucía", "José", "María", "Íñigo", "Carmen", "Andrés", "Begoña", "Álvaro"),
    forms=(("S.L.", "SL", "Sociedad Limitada"), ("S.A.", "SA", "Sociedad Anónima"), ("S.L.U.", "SLU")),
    abbreviations=(("Calle", "C/"), ("Avenida", "Avda."), ("Plaza", "Pza."), ("Paseo", "P.º")),
    mailboxes=("info", "contacto", "administracion"),
    name=lambda trade, owner: f"{trade} {owner}",
    address=lambda street, number: f"{street}, {number}",
    postal_code=lambda prefix, random: f"{prefix}{random.randint(1, 50):02d}",
    tax_number=cif,
)
BRITAIN = Country(
    code="GB",
    dial="+44",
    domain="uk.example",
    cities=(
        City("London", "Greater London", "SW", "020 7946"),
        City("Manchester", "Greater Manchester", "M", "0161 496"),
        City("Leeds", "West Yorkshire", "LS", "0113 496"),
        City("Bristol", "Bristol", "BS", "0117 496"),
        City("Edinburgh", "Edinburgh", "EH", "0131 496"),
        City("Cardiff", "Cardiff", "CF", "029 2018"),
    ),
    streets=(
        "High Street",
        "Church Road",
        "Station Road",
        "Victoria Avenue",
        "St John's Square",
        "King Street",
        "Mill Lane",
        "Queen's Road",
        "Park Avenue",
        "Castle Street",
    ),
    trades=(
        "Nursery",
        "Day Care",
        "Bakery",
        "Engineering",
        "Solicitors",
        "Pharmacy",
        "Kitchen",
        "Hardware",
        "Brewery",
        "Print Works",
        "Bookshop",
        "Dental Practice",
        "Travel",
        "Joinery",
    ),
    surnames=(
        "Smith",
        "Jones",
        "Taylor",
        "Brown",
        "Williams",
        "Wilson",
        "Johnson",
        "Davies",
        "Robinson",
        "Wright",
        "Thompson",
        "Evans",
        "Walker",
        "White",
        "Roberts",
        "Green",
        "Hall",
        "O'Brien",
        "Clarke",
        "MacDonald",
        "Hughes",
        "Ashworth",
        "Fairfax",
        "Whitfield",
    ),
    first_names=("Olivia", "George", "Amelia", "Harry", "Isla", "Oliver", "Zoë", "Liam"),
    forms=(("Ltd", "Ltd.", "Limited"), ("PLC", "plc"), ("LLP", "L.L.P.")),
    abbreviations=(("Street", "St"), ("Road", "Rd"), ("Avenue", "Ave"), ("Square", "Sq"), ("Lane", "Ln")),
    mailboxes=("info", "office", "hello"),
    name=lambda trade, owner: f"{owner} {trade}" if owner.endswith("s") else f"{owner}'s {trade}",
    address=lambda street, number: f"{number} {street}",
    postal_code=lambda prefix, random: (
        f"{prefix}{random.randint(1, 9)} {random.randint(1, 9)}{random.choice('ABDEFG')}{random.choice('HJLNPQ')}"
    ),
    tax_number=vat_gb,
)
COUNTRIES = (ITALY, POLAND, SPAIN, BRITAIN)
