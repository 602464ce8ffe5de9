from chassis.settings import ServiceSettings


class DedupSettings(ServiceSettings):
    """Nothing of its own yet: rules are data, and weights are code with a measured effect."""
