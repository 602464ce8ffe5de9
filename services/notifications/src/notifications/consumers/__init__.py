from notifications.consumers import notices
from notifications.consumers.mail import send_mails
from notifications.consumers.replicas import subscriptions

__all__ = ["notices", "send_mails", "subscriptions"]
