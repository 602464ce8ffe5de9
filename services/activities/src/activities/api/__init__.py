from activities.api import timeline
from activities.api.activities import ACTIVITIES, routes
from activities.api.policy import POLICY

__all__ = ["ACTIVITIES", "POLICY", "routes", "timeline"]
