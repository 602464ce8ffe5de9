from chassis.cli import run
from identity.service import service

run(service)
