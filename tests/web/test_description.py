"""The client of the web application is made from what the services really offer."""

from .description import WRITTEN, merged


def test_the_description_is_current() -> None:
    assert WRITTEN.read_text(encoding="utf-8") == merged(), "run `make schemas`"
