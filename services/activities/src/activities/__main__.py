from activities.service import service
from chassis.cli import run

run(service)
