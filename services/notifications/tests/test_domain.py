from datetime import UTC, date, datetime, time, timedelta
from email import message_from_bytes
from email.policy import default
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies

from notifications.domain.calendar import LANGUAGES, language_of, written_date, written_moment
from notifications.domain.kinds import Channel, Kind, chosen_channels, complete_choices
from notifications.domain.letters import BadAddress, Letter, composed, message_id
from notifications.domain.sight import Audience, Record, audience_of_set, audience_of_work, may_see_work
from notifications.domain.timing import LONGEST_DELAY, is_stale, quiet_until, retry_delay
from notifications.domain.wording import PHRASES, Reader, Words, words

ROME = ZoneInfo("Europe/Rome")
NIGHT = (time(22), time(7))


@pytest.mark.parametrize(
    ("now", "end"),
    [
        ("2026-11-23T21:30+01:00", None),
        ("2026-11-23T22:00+01:00", "2026-11-24T07:00+01:00"),
        ("2026-11-24T06:59+01:00", "2026-11-24T07:00+01:00"),
        ("2026-11-24T07:00+01:00", None),
        # The night in which clocks go back still ends at seven by the clock on the wall.
        ("2026-10-24T23:00+02:00", "2026-10-25T07:00+01:00"),
    ],
)
def test_quiet_hours_end_by_the_persons_clock(now, end):
    found = quiet_until(datetime.fromisoformat(now), ROME, *NIGHT)
    assert found == (datetime.fromisoformat(end) if end else None)


def test_without_quiet_hours_nothing_waits():
    assert quiet_until(datetime.now(UTC), ROME, None, None) is None
    assert quiet_until(datetime.now(UTC), ROME, time(9), time(9)) is None


def test_attempts_back_off_to_ten_minutes():
    waits = [retry_delay(attempt).total_seconds() for attempt in range(1, 12)]
    assert waits[:4] == [5, 10, 20, 40]
    assert waits[-1] == 600
    assert retry_delay(10_000) == LONGEST_DELAY


def test_yesterdays_events_are_stale():
    now = datetime.now(UTC)
    assert is_stale(now - timedelta(hours=25), now)
    assert not is_stale(now - timedelta(hours=23), now)


def test_choices_narrow_what_is_wished():
    every = frozenset(Channel)
    assert chosen_channels(Kind.REMINDER, every, {}) == [Channel.APP, Channel.EMAIL]
    assert chosen_channels(Kind.REMINDER, every, {"reminder": {"email": False}}) == [Channel.APP]
    assert chosen_channels(Kind.REMINDER, frozenset({Channel.EMAIL}), {"reminder": {"email": False}}) == []
    assert chosen_channels(Kind.MAIL_FAILED, every, {"mail_failed": {"app": False}}) == [Channel.APP]
    assert complete_choices({"reminder": {"email": False}})["reminder"] == {"app": True, "email": False}


def test_every_language_says_the_same_things():
    assert set(PHRASES) == set(LANGUAGES)
    for language in LANGUAGES:
        assert PHRASES[language].keys() == PHRASES["en"].keys()
        for phrase, text in PHRASES[language].items():
            assert text.count("%s") == PHRASES["en"][phrase].count("%s")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_is_worded_in_every_language(kind, language):
    said = words(kind, Reader(language, ROME, "Europe/Rome"), {"label": "ACME", "noun": "call", "count": 1})
    assert said.title
    assert "{{" not in said.title + said.body
    many = words(kind, Reader(language, ROME, "Europe/Rome"), {"noun": "call", "count": 12, "missed": True})
    assert many.title


@pytest.mark.parametrize(
    ("locale", "language"), [("it-IT", "it"), ("pl", "pl"), ("es_MX", "es"), ("de-DE", "en"), (None, "en"), ("", "en")]
)
def test_the_language_follows_the_locale(locale, language):
    assert language_of(locale) == language


def test_dates_are_written_as_people_write_them():
    assert written_date(date(2026, 11, 24), "it") == "martedì 24 novembre 2026"
    assert written_date(date(2026, 11, 24), "pl") == "wtorek, 24 listopada 2026"
    assert written_date(date(2026, 11, 24), "es") == "martes, 24 de noviembre de 2026"
    moment = datetime(2026, 11, 24, 14, tzinfo=UTC)
    assert written_moment(moment, ROME, "Europe/Rome", "en") == "Tuesday 24 November 2026, 15:00 (Europe/Rome)"


def letter(**values: object) -> Letter:
    known = {
        "message_id": "<1@meridian.test>",
        "sender": "Meridian <crm@meridian.test>",
        "name": "Ada",
        "address": "ada@meridian.test",
        "language": "en",
        "words": Words("Title", "Body"),
        "link": "http://127.0.0.1:8000/x?a=1&b=2",
        "written_at": datetime.now(UTC),
    }
    return Letter(**{**known, **values})  # type: ignore[arg-type]


def test_values_of_users_are_data_in_html():
    said = words(
        Kind.REMINDER,
        Reader("en", ROME, "Europe/Rome"),
        {"label": "<script>alert(1)</script>", "noun": "call", "about": ["{{ 7 * 7 }} & Co"]},
    )
    parsed = message_from_bytes(composed(letter(words=said)).as_bytes(), policy=default)
    bodies = [parsed.get_body((kind,)) for kind in ("html", "plain")]
    html, plain = (body.get_content() for body in bodies if body is not None)
    assert "<script>" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "{{ 7 * 7 }} &amp; Co" in html
    assert "{{ 7 * 7 }} & Co" in plain


@given(strategies.text(max_size=80), strategies.text(max_size=80))
def test_no_text_becomes_a_header(title, name):
    said = words(Kind.REMINDER, Reader("en", ROME, "Europe/Rome"), {"label": f"{title}\r\nBcc: x@evil.test"})
    mail = composed(letter(words=said, name=f"{name}\nBcc: y@evil.test"))
    parsed = message_from_bytes(mail.as_bytes(), policy=default)
    assert parsed["Bcc"] is None
    assert [address.addr_spec for address in parsed["To"].addresses] == ["ada@meridian.test"]
    assert parsed.keys().count("Subject") == 1


@pytest.mark.parametrize("address", ["", "nobody", "a@b@c", "a b@c.test", "x@y.test\r\nBcc: z@evil.test"])
def test_what_is_no_address_gets_no_mail(address):
    with pytest.raises(BadAddress):
        composed(letter(address=address))


def test_the_message_id_is_the_deliverys():
    delivery = uuid4()
    assert message_id(delivery, "Meridian <crm@meridian.test>") == f"<{delivery}@meridian.test>"


ME, OTHER = uuid4(), uuid4()
PRIVATE = Record("contact", "Secret", OTHER, is_private=True)
SHARED = Record("account", "ACME", OTHER)
UNKNOWN = Record("contact", is_known=False)


def test_work_on_a_private_contact_is_told_to_its_owner_only():
    assert not may_see_work([PRIVATE], ME)
    assert may_see_work([PRIVATE], OTHER)
    assert may_see_work([PRIVATE, SHARED], ME)
    assert may_see_work([], ME)
    assert not may_see_work([UNKNOWN], ME)


def test_a_change_is_heard_by_those_who_may_see_it():
    doers = frozenset({ME})
    assert audience_of_work([SHARED, PRIVATE], doers) == Audience(True)
    assert audience_of_work([PRIVATE], doers) == Audience(False, frozenset({OTHER}))
    assert audience_of_work([UNKNOWN], doers) == Audience(False, doers)
    assert audience_of_set([SHARED, PRIVATE]) == Audience(False, frozenset({OTHER}))
    assert audience_of_set([SHARED, SHARED]).everybody
