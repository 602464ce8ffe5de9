"""Comparisons: how two records relate in one respect, as ordered levels.

What belongs together is one comparison (street, number, postal code and town are one address): fields that agree for
the same reason would otherwise be counted as several pieces of evidence.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from rapidfuzz import fuzz
from rapidfuzz.distance import OSA, JaroWinkler

from .canonical.contacts import mailbox
from .pairview import Likeness, Mask, PairView
from .table import Column, Table

Levels = npt.NDArray[np.int8]
UNKNOWN_LEVEL = -1
_jaro_winkler = JaroWinkler.normalized_similarity


@dataclass(frozen=True)
class Term:
    """On these levels both sides share a value of a column, and a frequent one counts for less than a rare one."""

    column: Callable[[Table], Column]
    levels: tuple[int, ...]


@dataclass(frozen=True)
class Comparison:
    """`labels`: what each level means, from the weakest to the strongest. `fields`: what a person is shown.

    `measure` gives a level per pair, -1 where one side is unknown. `steady`: the largest share of matches that may be
    on the weakest level, for what hardly ever changes.
    """

    name: str
    labels: tuple[str, ...]
    measure: Callable[[PairView], Levels]
    fields: tuple[str, ...]
    terms: tuple[Term, ...] = ()
    steady: float = 1.0

    @property
    def top(self) -> int:
        return len(self.labels) - 1


def _levels(view: PairView, known: Mask) -> Levels:
    return np.where(known, 0, UNKNOWN_LEVEL).astype(np.int8)


def _above(alike: npt.NDArray[np.floating], limits: tuple[float, ...]) -> Levels:
    return np.searchsorted(np.array(limits, np.float32), alike, side="right").astype(np.int8)


# --- companies' names ----------------------------------------------------------------------------------------------

NAME_LABELS = (
    "other name", "hardly alike", "a little alike", "somewhat alike", "alike", "much alike", "nearly the same",
    "same name",
)  # fmt: skip
_NAME_LIMITS = (0.40, 0.50, 0.60, 0.70, 0.80, 0.90)
_OTHER_NUMBER = 0.69


def _numbers(name: str) -> str:
    return " ".join(sorted(word for word in name.split() if word.isdigit()))


def company_names(view: PairView) -> Levels:
    """The mean of two opinions: letters (the best of three likenesses by rapidfuzz) and rare letters (trigrams).

    "School 12" and "School 14" are never close.
    """
    levels = _levels(view, view.both("name"))
    unlike = view.differ("name")
    alike = (_spelling(view, unlike) + _rare_letters(view, unlike)) / 2
    numbers = view.table.derived("name numbers", "name", _numbers).codes
    one, other = numbers[view.left], numbers[view.right]
    alike = np.where((one >= 0) & (other >= 0) & (one != other), np.minimum(alike, _OTHER_NUMBER), alike)
    levels[unlike] = _above(alike, _NAME_LIMITS)[unlike]
    levels[view.equal("name")] = len(_NAME_LIMITS) + 1
    return levels


def _spelling(view: PairView, where: Mask) -> Likeness:
    sort = view.likeness("name", where, fuzz.token_sort_ratio) / 100
    contained = view.likeness("name", where, fuzz.token_set_ratio) / 100
    spelt = view.likeness("name", where, _jaro_winkler) - 0.03
    best: Likeness = np.maximum(np.maximum(sort, 0.6 * sort + 0.4 * contained), spelt)
    return best


def _rare_letters(view: PairView, where: Mask) -> Likeness:
    alike = np.zeros(len(view), np.float32)
    one, other = view.codes("name")
    if view.trigrams is not None:
        alike[where] = view.trigrams.cosine(one[where], other[where])
    return alike


# --- persons' names ------------------------------------------------------------------------------------------------

_PART_LIMITS = (0.75, 0.85, 0.92)
_INITIAL = 2
_PART_TOP = len(_PART_LIMITS) + 1


def given_names(view: PairView) -> Levels:
    return view.once(_person_names)[0]


def family_names(view: PairView) -> Levels:
    return view.once(_person_names)[1]


def _person_names(view: PairView) -> tuple[Levels, Levels]:
    """Given and family name as written, or crossed when that agrees better.

    Crossed full names count one level less; a single name may be either, so for "Jenkins" beside "Albert Jenkins" it
    makes no difference in which field it stands.
    """
    given, family = _part(view, "given", "given"), _part(view, "family", "family")
    one, other = _part(view, "given", "family"), _part(view, "family", "given")
    crossed = (np.maximum(one, other) >= 2) & (
        _agreement(one) + _agreement(other) > _agreement(given) + _agreement(family)
    )
    single = view.only_one("given") | view.only_one("family")
    best, rest = np.maximum(one, other), np.minimum(one, other)
    less = np.where(single, 0, 1)
    given = np.where(crossed, np.where(rest > 0, rest - less, rest), given)
    family = np.where(crossed, best - less, family)
    return given.astype(np.int8), family.astype(np.int8)


def _agreement(levels: Levels) -> Levels:
    """Unknown is better than different."""
    agreed: Levels = np.where(levels < 0, 0, levels.astype(np.int8) - 1)
    return agreed


def _part(view: PairView, name: str, other_name: str) -> Levels:
    one, other = view.table[name], view.table[other_name]
    left, right = one.codes[view.left], other.codes[view.right]
    known = (left >= 0) & (right >= 0)
    levels = _levels(view, known)
    alike = view.across(name, other_name, known, _jaro_winkler)
    levels[known] = _above(alike, _PART_LIMITS)[known]
    levels[known & (alike >= 1.0)] = _PART_TOP
    return levels


PART_LABELS = ("other", "alike by a little", "alike", "nearly the same", "same")


# --- numbers and dates ---------------------------------------------------------------------------------------------


TAX_LABELS = ("other number", "one character differs", "same number")
PHONE_LABELS = ("other number", "one digit differs", "same last digits", "same number")


def tax_numbers(view: PairView) -> Levels:
    levels = _levels(view, view.both("tax"))
    near = view.likeness("tax", view.differ("tax"), OSA.distance, score_cutoff=1)
    levels[view.differ("tax") & (near <= 1)] = 1
    levels[view.equal("tax")] = 2
    return levels


def _last_digits(text: str) -> str:
    return text[-7:]


def phones(view: PairView) -> Levels:
    """With and without country and area code a number ends alike."""
    levels = _levels(view, view.both("phone"))
    other = view.differ("phone")
    near = view.likeness("phone", other, OSA.distance, score_cutoff=1)
    tail = view.table.derived("last digits", "phone", _last_digits).codes
    levels[other & (near <= 1)] = 1
    levels[other & (tail[view.left] == tail[view.right])] = 2
    levels[view.equal("phone")] = 3
    return levels


def births(view: PairView) -> Levels:
    levels = _levels(view, view.both("born"))
    other = view.differ("born")
    typing = view.likeness("born", other, OSA.distance, score_cutoff=2)
    pieces = sum(
        (_same(view, name, "born", rule).astype(np.int8) for name, rule in _PIECES.items()),
        np.zeros(len(view), np.int8),
    )
    year = _same(view, "year", "born", _PIECES["year"])
    levels[other & year] = 1
    levels[other & (pieces == 2)] = 2
    levels[other & (typing == 2) & (pieces < 2)] = np.maximum(levels, 1)[other & (typing == 2) & (pieces < 2)]
    levels[other & (typing <= 1)] = 3
    levels[view.equal("born")] = 4
    return levels


_PIECES: dict[str, Callable[[str], str]] = {
    "year": lambda text: text[:4],
    "month": lambda text: text[4:6],
    "day": lambda text: text[6:8],
}


BIRTH_LABELS = ("other date", "same year", "two of year, month and day are the same", "one digit differs", "same date")


# --- contact -------------------------------------------------------------------------------------------------------

CONTACT_LABELS = (
    "other e-mail and domain", "e-mail alike", "same domain", "same mailbox name at another host",
    "e-mail nearly the same", "same e-mail",
)  # fmt: skip
_LONG_LOCAL_PART = 5


def _local_part(address: str) -> str:
    return mailbox(address).partition("@")[0]


def _local_number(address: str) -> str:
    return "".join(letter if letter.isdigit() else " " for letter in _local_part(address)).strip() or "none"


def contacts(view: PairView) -> Levels:
    """E-mail and domain. `kowalski12` and `kowalski21` at a free host are two people, not a typing error."""
    levels = _levels(view, view.both("email") | view.both("domain"))
    other = view.differ("email")
    distance = view.likeness("email", other, OSA.distance)
    number = _same(view, "local number", "email", _local_number)
    long = _same(view, "long local part", "email", lambda text: _local_part(text)[: len(text) * _is_long(text)])
    alike = other & view.both("domain") & (distance <= _lengths(view) / 4)
    levels[alike] = 1
    levels[view.equal("domain")] = 2
    levels[other & long] = 3
    levels[other & number & (distance <= 2)] = 4
    levels[_same(view, "mailbox", "email", mailbox)] = 5
    return levels


def _is_long(address: str) -> bool:
    return len(_local_part(address)) > _LONG_LOCAL_PART


def _lengths(view: PairView) -> npt.NDArray[np.float32]:
    """The length of the shorter of both e-mail addresses."""
    lengths = np.array([*map(len, view.column("email").values), 0], np.float32)
    one, other = view.codes("email")
    shorter: npt.NDArray[np.float32] = np.minimum(lengths[one], lengths[other])
    return shorter


def _same(view: PairView, name: str, field: str, rule: Callable[[str], str]) -> Mask:
    """Where both sides have the same `rule(value)`."""
    codes = view.table.derived(name, field, rule).codes
    same: Mask = (codes[view.left] >= 0) & (codes[view.left] == codes[view.right])
    return same


# --- address -------------------------------------------------------------------------------------------------------

ADDRESS_LABELS = (
    "other address", "other street of the town", "other street of the postal code", "same street, other number",
    "same town", "same postal code", "same street", "same number and postal code", "same street and number elsewhere",
    "same street and number", "same address",
)  # fmt: skip


def addresses(view: PairView) -> Levels:
    number, streets = view.equal("number"), view.both("street")
    postcode, city, elsewhere = _areas(view)
    street = _same_street(view)
    levels = _levels(view, streets | view.both("postcode") | view.both("city"))
    levels[streets & city] = 1
    levels[streets & postcode] = 2
    levels[street & view.differ("number")] = 3
    levels[~streets & city] = 4
    levels[~streets & postcode] = 5
    levels[street & ~view.both("number")] = 6
    levels[number & postcode & ~street] = 7
    levels[street & number & elsewhere] = 8
    levels[street & number & ~elsewhere] = 9
    levels[street & number & postcode] = 10
    return levels


def _areas(view: PairView) -> tuple[Mask, Mask, Mask]:
    """Same postal code, same town (with a typing error in it), and whether both are known to be elsewhere."""
    postcode = view.equal("postcode")
    city = view.equal("city") | (view.likeness("city", view.differ("city"), _jaro_winkler) >= 0.9)
    other_code = view.differ("postcode")
    near = other_code & (view.likeness("postcode", other_code, OSA.distance, score_cutoff=1) <= 1)
    other_city = view.both("city") & ~city
    elsewhere = (other_code & ~near & ~city) | (other_city & ~postcode & ~near)
    return postcode, city, elsewhere


def _same_street(view: PairView) -> Mask:
    unlike = view.differ("street")
    spelt = view.likeness("street", unlike, _jaro_winkler) >= 0.88
    longer = view.likeness("street", unlike, fuzz.token_set_ratio) >= 92
    same: Mask = view.equal("street") | (unlike & (spelt | longer))
    return same


# --- one of a family or another ------------------------------------------------------------------------------------

INDIVIDUAL_LABELS = ("nothing that is a person's own agrees", "something agrees")


def individuals(view: PairView) -> Levels:
    """Families share a name, an address and a phone, which agree for one reason.

    Level 0 where first name or birth date differ and nothing that belongs to one person alone agrees; otherwise it says
    nothing (-1).
    """
    given, born = view.once(given_names), view.once(births)
    agrees = (given >= 2) | (born >= 3) | (view.once(tax_numbers) >= 1) | (view.once(contacts) >= 4)
    differs = (given == 0) | ((born >= 0) & (born <= 1))
    return np.where(differs & ~agrees, 0, UNKNOWN_LEVEL).astype(np.int8)


SITE_LABELS = ("another site", "one site")


def sites(view: PairView) -> Levels:
    """Branches share a name, a phone and a domain, which agree for one reason.

    Level 0 where house numbers and addresses differ and no tax number or mailbox is shared; otherwise it says nothing.
    """
    address = view.once(addresses)
    differs = view.both("street") & view.differ("number") & (address >= 0) & (address <= 3)
    agrees = view.equal("tax") | view.equal("email")
    return np.where(differs & ~agrees, 0, UNKNOWN_LEVEL).astype(np.int8)


# --- others --------------------------------------------------------------------------------------------------------


def texts(name: str) -> Callable[[PairView], Levels]:
    """Same, alike or other."""

    def measure(view: PairView) -> Levels:
        levels = _levels(view, view.both(name))
        levels[view.likeness(name, view.differ(name), _jaro_winkler) >= 0.88] = 1
        levels[view.equal(name)] = 2
        return levels

    return measure


TEXT_LABELS = ("other", "alike", "same")


def column(name: str) -> Callable[[Table], Column]:
    return lambda table: table[name]


def place(table: Table) -> Column:
    return table.joined("place", ("street", "number"))
