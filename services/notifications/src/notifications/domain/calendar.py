"""Moments in the words of the reader, without the machine's locale."""

from datetime import date, datetime, tzinfo

LANGUAGES = ("en", "it", "pl", "es")

_MONTHS = {
    "en": "January February March April May June July August September October November December",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "pl": "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
}
_DAYS = {
    "en": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
    "it": "lunedì martedì mercoledì giovedì venerdì sabato domenica",
    "pl": "poniedziałek wtorek środa czwartek piątek sobota niedziela",
    "es": "lunes martes miércoles jueves viernes sábado domingo",
}
_DATES = {
    "en": "{weekday} {day} {month} {year}",
    "it": "{weekday} {day} {month} {year}",
    "pl": "{weekday}, {day} {month} {year}",
    "es": "{weekday}, {day} de {month} de {year}",
}


def language_of(locale: str | None) -> str:
    """The language to write in for a BCP 47 tag; English when there is no translation."""
    language = (locale or "").replace("_", "-").split("-")[0].lower()
    return language if language in LANGUAGES else "en"


def written_date(day: date, language: str) -> str:
    return _DATES[language].format(
        weekday=_DAYS[language].split()[day.weekday()],
        day=day.day,
        month=_MONTHS[language].split()[day.month - 1],
        year=day.year,
    )


def written_moment(moment: datetime, zone: tzinfo, zone_name: str, language: str) -> str:
    """Date, time and zone: a time without its zone is a guess."""
    local = moment.astimezone(zone)
    return f"{written_date(local.date(), language)}, {local:%H:%M} ({zone_name})"
