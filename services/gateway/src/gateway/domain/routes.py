"""From an address at the door to the service behind it."""

from collections.abc import Mapping

PREFIX = "/api/"


def service_of(path: str) -> str:
    """`/api/leads/v1/leads` -> `leads`."""
    return path[len(PREFIX) :].partition("/")[0]


def target(urls: Mapping[str, str], path: str, raw_path: bytes, query: bytes) -> str | None:
    """The address to ask, byte for byte what the caller wrote; None for a service that we do not have."""
    base = urls.get(service_of(path))
    # A dot segment could leave the service's own part of the address space.
    if base is None or not raw_path.startswith(PREFIX.encode()) or has_dot_segment(path):
        return None
    address = base + raw_path.decode("latin-1")
    return f"{address}?{query.decode('latin-1')}" if query else address


def has_dot_segment(path: str) -> bool:
    return "/." in path and any(part in (".", "..") for part in path.split("/"))
