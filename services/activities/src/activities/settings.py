from datetime import timedelta

from chassis.settings import ServiceSettings


class ActivitySettings(ServiceSettings):
    reminder_grace_minutes: int = 15
    """A reminder that is this late when it is wished still helps and fires at once; an older one gives a warning."""

    reminder_batch: int = 500
    """Rows fired per transaction: enough for the herd at 09:00, and locks held for well under a second."""

    @property
    def reminder_grace(self) -> timedelta:
        return timedelta(minutes=self.reminder_grace_minutes)
