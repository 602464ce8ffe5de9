from datetime import timedelta

from chassis.settings import ServiceSettings


class NotificationSettings(ServiceSettings):
    public_url: str = "http://127.0.0.1:8000"
    """Where people open the application; links in mails begin with it."""

    mail_from: str = "Meridian <meridian@localhost>"

    mail_retry_seconds: float = 5.0
    """First wait after a failed attempt; it doubles up to ten minutes."""

    mail_timeout_seconds: float = 20.0
    mail_batch: int = 20

    mail_lease_seconds: float = 120.0
    """Longer than one attempt may take: after that another process sends what this one took and did not report."""

    stream_seconds: float = 1800.0
    """A stream ends after this long and the browser opens another one: a right that was taken away ends with it."""

    stream_heartbeat_seconds: float = 15.0
    stream_queue: int = 1000
    """Events that may wait for one slow listener before it is dropped; it comes back and asks for what it missed."""

    @property
    def mail_retry(self) -> timedelta:
        return timedelta(seconds=self.mail_retry_seconds)

    @property
    def mail_lease(self) -> timedelta:
        return timedelta(seconds=self.mail_lease_seconds)
