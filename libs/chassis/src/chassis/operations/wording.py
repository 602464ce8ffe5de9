"""Errors as operators read them: what went wrong, without the values that a database or a parser quotes."""

import re

QUOTED = re.compile(r"(?s)(\\n|\n)?(DETAIL:|\[SQL:|\[parameters:).*")
WRAPPED = re.compile(r"\w+\(.?\(sqlalchemy[^)]*\) <class '(?:\w+\.)*(\w+)'>: ")
INPUTS = re.compile(r"(?s)input_value=.*?, (input_type=)")


def without_data(error: str) -> str:
    """One line without row values, SQL parameters and a parser's input."""
    bare = INPUTS.sub(r"\1", QUOTED.sub("", WRAPPED.sub(r"\1: ", error)))
    return " ".join(bare.replace("\\n", " ").split())[:500]
