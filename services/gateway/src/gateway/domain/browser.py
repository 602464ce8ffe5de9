"""What tells a request of our own page from one that another site made the browser send."""

import hashlib
import hmac
from urllib.parse import urlsplit

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
OWN_SITE = frozenset({"same-origin", "none"})


def csrf_token(secret: str, session_token: str) -> str:
    """Bound to the session, so that it ends with it; another site can neither read nor make it."""
    return hmac.new(secret.encode(), b"csrf\0" + session_token.encode(), hashlib.sha256).hexdigest()


def is_csrf_token(given: str | None, secret: str, session_token: str) -> bool:
    expected = csrf_token(secret, session_token)
    return hmac.compare_digest(expected.encode(), (given or "").encode("utf-8", "replace"))


def is_foreign(origin: str | None, fetch_site: str | None, host: str | None, public_url: str | None) -> bool:
    """Whether the browser says that another site is behind the request; without any word from it, no."""
    if origin is None:
        return fetch_site is not None and fetch_site not in OWN_SITE
    if public_url:
        return _origin(origin) != _origin(public_url)
    return not host or urlsplit(origin).netloc.lower() != host.lower()


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme.lower(), parts.netloc.lower()


def client_address(peer: str, forwarded_for: str | None, trusted_proxies: int) -> str:
    """Who really called: the entry that the outermost of our own proxies wrote; the rest can be invented by anybody."""
    if trusted_proxies < 1 or not forwarded_for:
        return peer
    entries = [entry.strip() for entry in forwarded_for.split(",")]
    return entries[-min(trusted_proxies, len(entries))] or peer
