"""The headers that every answer wears."""

from dataclasses import dataclass

Pairs = tuple[tuple[bytes, bytes], ...]

ALWAYS: Pairs = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
)

PAGE_POLICY = (
    b"default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    b"frame-ancestors 'none'"
)
# The web UI's component library writes the theme's variables into a <style> element; scripts stay strict.
WEB_POLICY = PAGE_POLICY + b"; style-src 'self' 'unsafe-inline'"
API_POLICY = b"default-src 'none'; frame-ancestors 'none'"
ONE_YEAR = b"max-age=31536000; includeSubDomains"


@dataclass(frozen=True)
class Wardrobe:
    page: Pairs
    web: Pairs
    api: Pairs

    @classmethod
    def of(cls, is_development: bool) -> "Wardrobe":
        # A developer's http://localhost must not be locked out of plain HTTP for a year.
        common = ALWAYS if is_development else (*ALWAYS, (b"strict-transport-security", ONE_YEAR))
        page = (*common, (b"content-security-policy", PAGE_POLICY))
        web = (*common, (b"content-security-policy", WEB_POLICY))
        return cls(page, web, (*common, (b"content-security-policy", API_POLICY), (b"cache-control", b"no-store")))


def put_on(headers: list[tuple[bytes, bytes]], pairs: Pairs) -> list[tuple[bytes, bytes]]:
    """What a service says itself stays, except that nobody may loosen the content policy."""
    worn = {name for name, _ in headers} - {b"content-security-policy"}
    kept = [pair for pair in headers if pair[0] != b"content-security-policy"]
    return kept + [pair for pair in pairs if pair[0] not in worn]
