"""Who works in the demo: two teams, and people for every role."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Person:
    name: str
    email: str
    role: str
    team: str
    time_zone: str
    locale: str


SOUTH, NORTH = "South", "North"
TEAMS = (SOUTH, NORTH)

GIULIA = Person("Giulia Conti", "giulia@demo.meridian.example", "sales_manager", SOUTH, "Europe/Rome", "it-IT")
MARCO = Person("Marco Rossi", "marco@demo.meridian.example", "sales", SOUTH, "Europe/Rome", "it-IT")
LUCJA = Person("Łucja Nowak", "lucja@demo.meridian.example", "sales", NORTH, "Europe/Warsaw", "pl-PL")
JOSE = Person("José García", "jose@demo.meridian.example", "marketing", SOUTH, "Europe/Madrid", "es-ES")
EMMA = Person("Emma Clarke", "emma@demo.meridian.example", "verifier", NORTH, "Europe/London", "en-GB")
TOM = Person("Tom Hughes", "tom@demo.meridian.example", "read_only", NORTH, "Europe/London", "en-GB")
ADA = Person("Ada Fontana", "ada@demo.meridian.example", "admin", SOUTH, "Europe/Rome", "it-IT")

PEOPLE = (ADA, GIULIA, MARCO, LUCJA, JOSE, EMMA, TOM)
MANAGERS = {SOUTH: GIULIA}
SELLERS = {"IT": MARCO, "ES": GIULIA, "PL": LUCJA, "GB": LUCJA}
"""Who sells where."""
