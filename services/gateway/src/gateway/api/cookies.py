from http.cookies import SimpleCookie

from gateway.settings import GatewaySettings


def welcome(settings: GatewaySettings, session_token: str, lifetime: int) -> str:
    """The Set-Cookie header of a new session; `lifetime` in seconds."""
    cookie: SimpleCookie = SimpleCookie()
    cookie[settings.cookie_name] = session_token
    morsel = cookie[settings.cookie_name]
    morsel["path"] = "/"
    morsel["max-age"] = str(lifetime)
    morsel["samesite"] = "Lax"
    morsel["httponly"] = True
    if not settings.is_development:
        morsel["secure"] = True
    return morsel.OutputString()


def farewell(settings: GatewaySettings) -> str:
    return welcome(settings, "", 0)
