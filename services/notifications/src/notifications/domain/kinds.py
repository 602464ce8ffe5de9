from enum import StrEnum


class Kind(StrEnum):
    ASSIGNED = "assigned"
    DUPLICATE = "duplicate"
    REMINDER = "reminder"
    MAIL_FAILED = "mail_failed"


class Channel(StrEnum):
    APP = "app"
    EMAIL = "email"


SELECTABLE = (Kind.ASSIGNED, Kind.DUPLICATE, Kind.REMINDER)
"""Kinds that a person may switch off. That mail does not arrive is said in any case."""

DEFAULTS: dict[Kind, frozenset[Channel]] = {
    Kind.ASSIGNED: frozenset(Channel),
    Kind.DUPLICATE: frozenset(Channel),
    Kind.REMINDER: frozenset(Channel),
    Kind.MAIL_FAILED: frozenset({Channel.APP}),
}

Choices = dict[str, dict[str, bool]]


def chosen_channels(kind: Kind, wished: frozenset[Channel], choices: Choices) -> list[Channel]:
    """The channels that are left of the wished ones after the person's own choices."""
    own = choices.get(kind, {}) if kind in SELECTABLE else {}
    return [channel for channel in Channel if channel in wished and own.get(channel, channel in DEFAULTS[kind])]


def complete_choices(choices: Choices) -> Choices:
    """Every selectable kind and channel with what is in force."""
    return {
        kind: {channel: choices.get(kind, {}).get(channel, channel in DEFAULTS[kind]) for channel in Channel}
        for kind in SELECTABLE
    }
