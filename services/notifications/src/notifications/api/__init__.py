from notifications.api import preferences, stream
from notifications.api.feed import NOTIFICATIONS, routes
from notifications.api.policy import POLICY

__all__ = ["NOTIFICATIONS", "POLICY", "preferences", "routes", "stream"]
