"""Which headers cross the door, in either direction. Names are lower-case bytes, as ASGI has them."""

from collections.abc import Iterable

Headers = Iterable[tuple[bytes, bytes]]

HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)

# What only the gateway may say to a service, or what belongs to the browser's session with the gateway.
NEVER_INWARD = HOP_BY_HOP | {
    b"authorization",
    b"content-length",
    b"cookie",
    b"expect",
    b"forwarded",
    b"host",
    b"traceparent",
    b"x-correlation-id",
    b"x-csrf-token",
    b"x-forwarded-for",
    b"x-forwarded-host",
    b"x-forwarded-port",
    b"x-forwarded-proto",
    b"x-real-ip",
}

# Services keep no cookies; the server in front writes its own date.
NEVER_OUTWARD = HOP_BY_HOP | {b"date", b"server", b"set-cookie", b"x-correlation-id"}


def inward(headers: Headers) -> list[tuple[str, str]]:
    """Of a request, as text for the client library."""
    listed = list(headers)
    dropped = NEVER_INWARD | named_by_connection(listed)
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in listed if name not in dropped]


def outward(headers: Headers) -> list[tuple[bytes, bytes]]:
    """Of a response."""
    listed = [(name.lower(), value) for name, value in headers]
    dropped = NEVER_OUTWARD | named_by_connection(listed)
    return [(name, value) for name, value in listed if name not in dropped]


def named_by_connection(headers: Headers) -> frozenset[bytes]:
    """The further hop-by-hop headers that this message names itself (RFC 9110, 7.6.1)."""
    named: set[bytes] = set()
    for name, value in headers:
        if name == b"connection":
            named.update(part.strip().lower() for part in value.split(b","))
    return frozenset(named)


def cookie(header: str, wanted: str) -> str | None:
    """The value of one cookie; the first when a client sends several of the same name."""
    for part in header.split(";"):
        name, found, value = part.strip().partition("=")
        if found and name == wanted:
            return value
    return None
