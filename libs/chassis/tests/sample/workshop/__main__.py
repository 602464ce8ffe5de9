from chassis.cli import run
from workshop.service import service

run(service)
