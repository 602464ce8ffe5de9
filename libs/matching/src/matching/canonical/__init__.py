"""The canonical form: two spellings of one thing become one value. No I/O, no state, any input.

Bump `CANON_VERSION` with every change of a rule here: keys and models of another version do not fit.
"""

from .records import CANON_VERSION, FIELDS, Canonical, company, person

__all__ = ["CANON_VERSION", "FIELDS", "Canonical", "company", "person"]
