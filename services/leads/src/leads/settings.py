from chassis.settings import ServiceSettings


class LeadSettings(ServiceSettings):
    """Nothing of its own yet: queues, statuses and forms are data."""
