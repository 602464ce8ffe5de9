"""What a notice says, in four languages. Values come from users: they are data, never templates."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from functools import cache
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from notifications.domain.calendar import written_date, written_moment
from notifications.domain.kinds import Kind

LONGEST_TITLE = 200

NOUNS: dict[str, dict[str, str]] = {
    "en": {
        "account": "account", "contact": "contact", "lead": "lead", "call": "call", "task": "task",
        "appointment": "appointment", "note": "note",
    },
    "it": {
        "account": "azienda", "contact": "contatto", "lead": "lead", "call": "chiamata", "task": "attività",
        "appointment": "appuntamento", "note": "nota",
    },
    "pl": {
        "account": "firma", "contact": "kontakt", "lead": "lead", "call": "rozmowa", "task": "zadanie",
        "appointment": "spotkanie", "note": "notatka",
    },
    "es": {
        "account": "cuenta", "contact": "contacto", "lead": "lead", "call": "llamada", "task": "tarea",
        "appointment": "cita", "note": "nota",
    },
}  # fmt: skip

PHRASES: dict[str, dict[str, str]] = {
    "en": {
        "assigned": "Assigned to you",
        "by": "%s made you responsible.",
        "duplicate": "Possible duplicate",
        "duplicates": "Possible duplicates",
        "same": "Records that look like the same customer: %s. Certainty: %s %%.",
        "several": "Several of your records look like customers that exist already.",
        "reminder": "Reminder",
        "missed": "Missed reminders",
        "were_due": "They were due while the system could not tell you.",
        "late": "This reminder comes %s min late.",
        "when": "When",
        "about": "About",
        "mail_failed": "A mail to you could not be delivered",
        "refused": "The server of %s refused it: %s",
    },
    "it": {
        "assigned": "Assegnato a te",
        "by": "%s ti ha indicato come responsabile.",
        "duplicate": "Possibile duplicato",
        "duplicates": "Possibili duplicati",
        "same": "Record che sembrano lo stesso cliente: %s. Certezza: %s %%.",
        "several": "Diversi tuoi record sembrano clienti già esistenti.",
        "reminder": "Promemoria",
        "missed": "Promemoria persi",
        "were_due": "Erano in scadenza mentre il sistema non poteva avvisarti.",
        "late": "Questo promemoria arriva con %s min di ritardo.",
        "when": "Quando",
        "about": "Riguarda",
        "mail_failed": "Non è stato possibile consegnarti un'e-mail",
        "refused": "Il server di %s l'ha rifiutata: %s",
    },
    "pl": {
        "assigned": "Przypisano Ci",
        "by": "Osoba przypisująca: %s.",
        "duplicate": "Możliwy duplikat",
        "duplicates": "Możliwe duplikaty",
        "same": "Rekordy, które wyglądają na tego samego klienta: %s. Pewność: %s %%.",
        "several": "Kilka Twoich rekordów wygląda na klientów, którzy już istnieją.",
        "reminder": "Przypomnienie",
        "missed": "Pominięte przypomnienia",
        "were_due": "Ich termin minął, gdy system nie mógł Cię powiadomić.",
        "late": "To przypomnienie przychodzi z opóźnieniem %s min.",
        "when": "Kiedy",
        "about": "Dotyczy",
        "mail_failed": "Nie udało się dostarczyć do Ciebie wiadomości",
        "refused": "Serwer adresu %s ją odrzucił: %s",
    },
    "es": {
        "assigned": "Asignado a ti",
        "by": "%s te ha hecho responsable.",
        "duplicate": "Posible duplicado",
        "duplicates": "Posibles duplicados",
        "same": "Registros que parecen el mismo cliente: %s. Certeza: %s %%.",
        "several": "Varios de tus registros parecen clientes que ya existen.",
        "reminder": "Recordatorio",
        "missed": "Recordatorios perdidos",
        "were_due": "Vencieron mientras el sistema no podía avisarte.",
        "late": "Este recordatorio llega con %s min de retraso.",
        "when": "Cuándo",
        "about": "Sobre",
        "mail_failed": "No se pudo entregar un correo para ti",
        "refused": "El servidor de %s lo rechazó: %s",
    },
}

_TITLES: dict[Kind, str] = {
    Kind.ASSIGNED: "{{ say.assigned }}: {{ label or noun }}",
    Kind.DUPLICATE: "{{ say.duplicates ~ ': ' ~ count if count > 1 else say.duplicate ~ ': ' ~ label }}",
    Kind.REMINDER: "{{ say.missed ~ ': ' ~ count if missed else say.reminder ~ ': ' ~ (label or noun) }}",
    Kind.MAIL_FAILED: "{{ say.mail_failed }}",
}
_ABOUT = "{% if about %}\n{{ say.about }}: {{ about | join(', ') }}{% endif %}"
_BODIES: dict[Kind, str] = {
    Kind.ASSIGNED: "{{ noun | capitalize }}.{% if actor %} {{ say.by | format(actor) }}{% endif %}"
    "{% if when %}\n{{ say.when }}: {{ when }}{% endif %}" + _ABOUT,
    Kind.DUPLICATE: "{{ say.several if count > 1 else say.same | format(members, score) }}",
    Kind.REMINDER: "{% if missed %}{{ say.were_due }}{% else %}"
    "{{ noun | capitalize }}{% if when %}: {{ when }}{% endif %}"
    + _ABOUT
    + "{% if late %}\n{{ say.late | format(late) }}{% endif %}{% endif %}",
    Kind.MAIL_FAILED: "{{ say.refused | format(address, reason) }}",
}

OPEN = {"en": "Open", "it": "Apri", "pl": "Otwórz", "es": "Abrir"}
WHY = {
    "en": "You get this mail because of your notification settings in Meridian.",
    "it": "Ricevi questa e-mail in base alle tue impostazioni di notifica in Meridian.",
    "pl": "Otrzymujesz tę wiadomość zgodnie z ustawieniami powiadomień w Meridian.",
    "es": "Recibes este correo según tus ajustes de notificaciones en Meridian.",
}

_DEFAULTS: dict[str, Any] = {
    "label": "", "noun": "", "count": 1, "members": 2, "score": 0, "actor": "", "about": [],
    "missed": False, "late": 0, "address": "", "reason": "",
}  # fmt: skip


@dataclass(frozen=True)
class Reader:
    """How a person reads: the language, and the clock on the wall."""

    language: str
    zone: tzinfo
    zone_name: str


@dataclass(frozen=True)
class Words:
    """A notice as it is read."""

    title: str
    body: str


@cache
def _texts() -> Environment:
    return SandboxedEnvironment(loader=FunctionLoader(_source), autoescape=False, undefined=StrictUndefined)


def _source(name: str) -> str:
    part, kind = name.split("/")
    return (_TITLES if part == "title" else _BODIES)[Kind(kind)]


def words(kind: Kind, reader: Reader, values: Mapping[str, Any]) -> Words:
    """Title and body as plain text; whoever shows them as HTML escapes them."""
    language = reader.language
    noun = NOUNS[language].get(str(values.get("noun", "")), "")
    given = {**_DEFAULTS, **values, "noun": noun, "when": _when(reader, values)}
    title = _texts().get_template(f"title/{kind}").render(given, say=PHRASES[language])
    body = _texts().get_template(f"body/{kind}").render(given, say=PHRASES[language])
    return Words(one_line(title)[:LONGEST_TITLE], body.strip())


def _when(reader: Reader, values: Mapping[str, Any]) -> str:
    if values.get("starts_at"):
        moment = datetime.fromisoformat(values["starts_at"])
        return written_moment(moment, reader.zone, reader.zone_name, reader.language)
    return written_date(date.fromisoformat(values["due_on"]), reader.language) if values.get("due_on") else ""


def one_line(text: str) -> str:
    """Without line breaks and other control characters: fit for a header."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
