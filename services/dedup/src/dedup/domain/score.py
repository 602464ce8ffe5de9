"""A transparent scorer: five comparisons, each worth some bits of evidence, summed into a probability.

The bits are set by hand and checked on public labelled data (see the README); learning them is the engine's work.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

from rapidfuzz import fuzz
from rapidfuzz.distance import OSA, JaroWinkler

from .canonical import Canonical

Verdict = Literal["decisive", "supports", "contradicts"]
PRIOR = -6.3
DECISIVE_BITS = 6.0
# Sets are opened from here; a candidate is listed for a person to judge from LISTED.
SUSPECTED = 0.75
LISTED = 0.35
COMPANY_LEVELS = ((0.999, 8.0), (0.94, 5.5), (0.88, 4.0), (0.80, 3.0), (0.70, 1.0), (0.60, -2.0), (0.0, -4.0))
PERSON_LEVELS = ((0.999, 6.2), (0.94, 5.0), (0.88, 3.5), (0.80, 1.5), (0.70, -3.0))
# Families and offices share addresses, phones and mailboxes: another name outweighs them all.
ANOTHER_FIRST_NAME, ANOTHER_PERSON = -10.0, -14.0


@dataclass(frozen=True, slots=True)
class Reason:
    field: str
    verdict: Verdict
    detail: str


class Comparison(NamedTuple):
    score: float
    evidence: tuple[tuple[str, float, str], ...]

    @property
    def reasons(self) -> list[Reason]:
        return [Reason(field, _verdict(bits), detail) for field, bits, detail in self.evidence if bits]


def _verdict(bits: float) -> Verdict:
    return "contradicts" if bits < 0 else "decisive" if bits >= DECISIVE_BITS else "supports"


def comparable(one: Canonical, other: Canonical) -> bool:
    """A contact is never the duplicate of the company it works for; a lead may be either of the two."""
    if one.is_business == other.is_business:
        return True
    business, person = (one, other) if one.is_business else (other, one)
    return person.object == "lead" and bool(person.company) and bool(business.company)


@lru_cache(maxsize=16_384)  # who asks before saving is compared again once saved, with the same neighbours
def compare(one: Canonical, other: Canonical) -> Comparison:
    evidence = tuple(
        found
        for found in (
            _name(one, other),
            _tax(one, other),
            _phone(one, other),
            _contact(one, other),
            _address(one, other),
            _birthday(one, other),
            _employer(one, other),
        )
        if found is not None
    )
    bits = max(-60.0, PRIOR + sum(weight for _, weight, _ in evidence))
    return Comparison(round(1 / (1 + 2**-bits), 4), evidence)


def likeness(one: str, other: str) -> float:
    if one == other:
        return 1.0
    by_words = fuzz.token_sort_ratio(one, other) / 100
    contained = fuzz.token_set_ratio(one, other) / 100
    spelt = JaroWinkler.similarity(one, other) - 0.03
    return min(0.99, max(by_words, 0.6 * by_words + 0.4 * contained, spelt))


def _name(one: Canonical, other: Canonical) -> tuple[str, float, str] | None:
    if one.is_business or other.is_business or not (one.person and other.person):
        return _company_name(one, other)
    bits, said = _person_bits(one.person, other.person)
    if one.company and other.company:
        bits += 2.0 if likeness(one.company, other.company) >= 0.88 else -1.0
    return "name", bits, said


def _company_name(one: Canonical, other: Canonical) -> tuple[str, float, str] | None:
    if not (one.company and other.company):
        return None
    alike = likeness(one.company, other.company)
    bits = _level(alike, COMPANY_LEVELS)
    if one.form and other.form and one.form != other.form and bits > 0:
        bits -= 1.0
    return "name", bits, _said(alike)


def _said(alike: float) -> str:
    return "same name" if alike == 1 else f"names {alike:.0%} alike"


def _level(alike: float, levels: tuple[tuple[float, float], ...]) -> float:
    return next(bits for least, bits in levels if alike >= least)


def _person_bits(one: str, other: str) -> tuple[float, str]:
    """First and last name in any order; a middle name more or less, an initial and a typing error are allowed for."""
    left, right = set(one.split()), set(other.split())
    alike = likeness(" ".join(sorted(left)), " ".join(sorted(right)))
    if left & right and left != right:
        return _half_the_same(left - right, right - left, len(left & right))
    least = PERSON_LEVELS[-1][0]
    return (_level(alike, PERSON_LEVELS), _said(alike)) if alike >= least else (ANOTHER_PERSON, "different names")


def _half_the_same(left: set[str], right: set[str], shared: int) -> tuple[float, str]:
    if not (left and right):
        return (5.0 if shared > 1 else 2.0), "one name contains the other"
    one, other = " ".join(sorted(left)), " ".join(sorted(right))
    if min(len(one), len(other)) == 1 and one[0] == other[0]:
        return 3.0, "same last name and initial"
    spelt = JaroWinkler.similarity(one, other)
    return (4.0, f"names {spelt:.0%} alike") if spelt >= 0.85 else (ANOTHER_FIRST_NAME, "another first name")


def _tax(one: Canonical, other: Canonical) -> tuple[str, float, str] | None:
    if not (one.tax and other.tax):
        return None
    abroad = bool(one.tax_country and other.tax_country and one.tax_country != other.tax_country)
    if one.tax == other.tax and not abroad:
        return "tax_number", 20.0, "same tax number"
    if not abroad and OSA.distance(one.tax, other.tax, score_cutoff=1) <= 1:
        return "tax_number", 2.0, "tax numbers differ by one character"
    return "tax_number", -7.0, "different tax numbers"


def _phone(one: Canonical, other: Canonical) -> tuple[str, float, str] | None:
    if not (one.phones and other.phones):
        return None
    if any(same_phone(left, right) for left in one.phones for right in other.phones):
        return "phone", 6.0, "same phone number"
    return "phone", -0.5, "different phone numbers"


def same_phone(one: str, other: str) -> bool:
    """Equal, or one of them lacks the country or area code."""
    if one.startswith("+") and other.startswith("+"):
        return one == other
    size = min(9, len(one.lstrip("+")), len(other.lstrip("+")))
    return one[-size:] == other[-size:]


def _contact(one: Canonical, other: Canonical) -> tuple[str, float, str] | None:
    if set(one.emails) & set(other.emails):
        return "email", 8.0, "same e-mail address"
    if one.domain and one.domain == other.domain:
        return "website", 3.5 if one.is_business and other.is_business else 1.5, "same internet domain"
    if one.emails and other.emails:
        return _other_mailbox(one.emails[0], other.emails[0])
    return ("website", -1.0, "different internet domains") if one.domain and other.domain else None


def _other_mailbox(one: str, other: str) -> tuple[str, float, str]:
    if OSA.distance(one, other, score_cutoff=2) <= 2:
        return "email", 4.0, "e-mail addresses differ by a letter or two"
    if one.partition("@")[0] == other.partition("@")[0] and len(one.partition("@")[0]) > 7:
        return "email", 2.0, "same mailbox at another host"
    return "email", -1.0, "different e-mail addresses"


def _address(one: Canonical, other: Canonical) -> tuple[str, float, str] | None:
    same_area = (one.postcode and one.postcode == other.postcode) or (one.city and one.city == other.city)
    if one.street and other.street:
        same_street = one.street == other.street or JaroWinkler.similarity(one.street, other.street) >= 0.9
        same_number = one.number == other.number
        return _street_evidence(same_street, same_number, bool(same_area), _elsewhere(one, other))
    if one.postcode and other.postcode:
        same = one.postcode == other.postcode
        return "address", 1.0 if same else -1.0, "same postal code" if same else "different postal codes"
    return ("address", 0.3, "same town") if same_area else None


def _elsewhere(one: Canonical, other: Canonical) -> bool:
    return bool(one.city and other.city and one.city != other.city and one.postcode != other.postcode)


def _street_evidence(street: bool, number: bool, area: bool, elsewhere: bool) -> tuple[str, float, str]:
    if street and number and not elsewhere:
        return "address", 7.0 if area else 6.5, "same address"
    if street and not elsewhere:
        return "address", -1.0, "same street, another number"
    if number and area:
        return "address", 0.5, "same house number and area"
    return "address", -3.0 if area else -4.0, "different addresses"


def _birthday(one: Canonical, other: Canonical) -> tuple[str, float, str] | None:
    if not (one.born and other.born):
        return None
    if one.born == other.born:
        return "birthday", 6.0, "same birthday"
    near = sorted(one.born) == sorted(other.born) or OSA.distance(one.born, other.born, score_cutoff=1) <= 1
    return ("birthday", 2.0, "birthdays differ by a digit") if near else ("birthday", -4.0, "different birthdays")


def _employer(one: Canonical, other: Canonical) -> tuple[str, float, str] | None:
    if not (one.parent and other.parent):
        return None
    return ("account", 4.0, "same account") if one.parent == other.parent else ("account", -1.0, "different accounts")
