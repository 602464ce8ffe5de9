from chassis.cli import run
from notifications.service import service

run(service)
