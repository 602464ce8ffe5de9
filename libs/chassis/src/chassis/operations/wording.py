"""Errors as operators read them: what went wrong, without the values that a database or a parser quotes."""

import re

QUOTED = re.compile(r"(?s)(\\n|\n)?(DETAIL:|\[SQL:|\[parameters:).*")
WRAPPED = re.compile(r"""^\w+\(['"]\(sqlalchemy\.(?:\w+\.)*(\w+)\) (.*?)(?:['"]\))?$""", re.DOTALL)
INPUTS = re.compile(r"(?s)input_value=.*?, (input_type=)")


def without_data(error: str) -> str:
    """One line without row values, SQL parameters and a parser's input."""
    bare = INPUTS.sub(r"\1", WRAPPED.sub(r"\1: \2", QUOTED.sub("", error)))
    return " ".join(bare.replace("\\n", " ").split())[:500]
