"""Which column of a stranger's table is which of our fields."""

import re
from collections.abc import Iterable, Mapping

from anyascii import anyascii

_NOT_ALNUM = re.compile(r"[^a-z0-9]+")

# One line per field: its headers in English, Italian, Polish and Spanish.
_COMMON = {
    "external_id": "id, external id, record id, legacy id, codice, codice cliente, identyfikator, id klienta, id"
    " cliente",
    "phone": "phone, phone number, telephone, telephone number, tel, business phone, main phone, telefono,"
    " tel., n. telefono, numero di telefono, telefon, numer telefonu, nr telefonu, nr tel, teléfono,"
    " número de teléfono",
    "email": "email, e-mail, email address, e-mail address, mail, posta elettronica, indirizzo email, adres"
    " e-mail, adres email, poczta, correo, correo electrónico, correo-e",
    "description": "description, notes, note, remarks, comments, descrizione, annotazioni, opis, uwagi, notatki,"
    " descripción, notas, observaciones, comentarios",
    "source": "source, lead source, account source, fonte, origine, provenienza, źródło, fuente, origen",
}
_PERSON = {
    "first_name": "first name, firstname, given name, nome di battesimo, imię, nombre de pila",
    "last_name": "last name, lastname, surname, family name, cognome, nazwisko, apellido, apellidos",
    "birthday": "birthday, birth date, date of birth, dob, data di nascita, data urodzenia, fecha de nacimiento",
}
_ADDRESS = {
    "street": "address, street, street address, address line 1, address 1, billing street, billing address,"
    " indirizzo, via, indirizzo sede, adres, ulica, adres siedziby, dirección, direccion, calle,"
    " domicilio",
    "city": "city, town, billing city, città, citta, comune, località, miasto, miejscowość, ciudad,"
    " población, localidad, municipio",
    "region": "state, region, province, county, billing state, billing state/province, state/province,"
    " provincia, prov, prov., regione, województwo, comunidad, comunidad autónoma, estado",
    "postal_code": "zip, zip code, zipcode, postal code, postcode, post code, billing zip, billing postal code,"
    " cap, codice postale, kod, kod pocztowy, código postal, codigo postal, cp, c.p.",
    "country": "country, country code, billing country, nation, paese, nazione, stato, kraj, państwo, país, pais",
}
_ACCOUNT = {
    "name": "name, account, account name, company, company name, organisation, organization, organisation"
    " name, business name, customer, customer name, client, site name, denominazione, azienda, nome"
    " azienda, cliente, nome, nazwa, firma, nazwa firmy, klient, kontrahent, nazwa klienta, nombre,"
    " empresa, nombre de la empresa, nombre comercial",
    "legal_name": "legal name, registered name, ragione sociale, denominazione sociale, pełna nazwa, nazwa pełna,"
    " nazwa rejestrowa, razón social, razon social, denominación social",
    "kind": "kind, account kind, tipo soggetto, rodzaj podmiotu",
    "account_number": "account number, account no, customer number, numero conto, numero cliente, numer klienta,"
    " número de cuenta, número de cliente",
    "site": "site, account site, branch, location, sede, oddział, sucursal",
    "type": "type, account type, customer type, tipo, tipologia, typ, tipo de cliente",
    "industry": "industry, sector, branch of industry, settore, branża, sektor, industria",
    "rating": "rating, valutazione, ocena, valoración, calificación",
    "fax": "fax, fax number, faks",
    "website": "website, web site, web, url, homepage, web address, sito, sito web, sito internet, strona,"
    " strona www, strona internetowa, www, sitio web, página web",
    "tax_number": "tax id, tax number, vat, vat number, vat id, vat no, tin, ein, nip, nr nip, numer nip, p.iva,"
    " p. iva, partita iva, piva, nif, cif, nif/cif, número fiscal, identificación fiscal",
    "tax_country": "tax country, vat country, paese fiscale, kraj podatkowy, país fiscal",
    "employees": "employees, number of employees, no of employees, headcount, dipendenti, numero dipendenti,"
    " pracownicy, liczba pracowników, empleados, número de empleados",
    "annual_revenue": "annual revenue, revenue, turnover, fatturato, przychód, obrót, roczny przychód, facturación,"
    " ingresos",
    "currency": "currency, valuta, waluta, moneda, divisa",
}
_SHIPPING = {
    "street": "shipping address, shipping street, delivery address, indirizzo di spedizione, adres dostawy,"
    " adres wysyłki, dirección de envío",
    "city": "shipping city, delivery city, città di spedizione, miasto dostawy, ciudad de envío",
    "region": "shipping state, shipping region, shipping state/province",
    "postal_code": "shipping zip, shipping postal code, delivery postal code, cap spedizione, kod dostawy",
    "country": "shipping country, delivery country, paese spedizione, kraj dostawy, país de envío",
}
_CONTACT = {
    "full_name": "name, full name, contact, contact name, nome e cognome, imię i nazwisko, nombre y apellidos",
    "first_name": "nome, nombre",
    "title": "title, job title, position, role, qualifica, ruolo, mansione, stanowisko, funkcja, cargo, puesto",
    "department": "department, dept, reparto, ufficio, dział, departamento",
    "mobile": "mobile, mobile phone, cell, cell phone, cellulare, telefono cellulare, komórka, telefon"
    " komórkowy, móvil, celular",
    "account_name": "account, account name, company, company name, organisation, organization, azienda, società,"
    " ragione sociale, firma, nazwa firmy, empresa, compañía",
    "account_tax_number": "company tax id, account tax number, tax id, vat number, nip, p.iva, partita iva, nif, cif",
    "do_not_call": "do not call, non chiamare, nie dzwonić, no llamar",
    "email_opt_out": "email opt out, e-mail opt out, unsubscribed, disiscritto, wypisany, baja",
}


def normal(header: str) -> str:
    """`E-Mail Address`, `email_address` and `EMAIL ADDRESS` are one header."""
    return _NOT_ALNUM.sub("", anyascii(header).lower())


def _headers(*tables: Mapping[str, str], prefix: str = "") -> dict[str, str]:
    return {
        normal(header): f"{prefix}{field}"
        for table in tables
        for field, headers in table.items()
        for header in [field, *headers.split(",")]
    }


SYNONYMS: dict[str, dict[str, str]] = {
    "accounts": {
        **_headers(_SHIPPING, prefix="shipping."),
        **_headers(_ADDRESS, prefix="billing."),
        **_headers(_COMMON, _PERSON, _ACCOUNT),
    },
    "contacts": {
        **_headers(_ADDRESS, prefix="mailing."),
        **_headers(_COMMON, _CONTACT, _PERSON),
    },
}
FIELDS: dict[str, frozenset[str]] = {name: frozenset(table.values()) for name, table in SYNONYMS.items()}


def guess_mapping(kind: str, header: Iterable[str]) -> dict[str, str]:
    """{column: field} for the columns whose header is known; the first of two columns for one field has it."""
    mapping: dict[str, str] = {}
    for column in header:
        field = SYNONYMS[kind].get(normal(column))
        if field and field not in mapping.values():
            mapping[column] = field
    if kind == "accounts":
        _settle_names(mapping)
    return mapping


def _settle_names(mapping: dict[str, str]) -> None:
    """`Ragione sociale` alone is what people call the company by; `Nome` beside `Cognome` is a first name."""
    fields = set(mapping.values())
    for column, field in mapping.items():
        if field == "legal_name" and "name" not in fields:
            mapping[column] = "name"
        elif field == "name" and "last_name" in fields and normal(column) in ("nome", "nombre", "name"):
            mapping[column] = "first_name"


def pointer_of(field: str) -> str:
    return "/" + field.replace(".", "/")
