from chassis.cli import run
from gateway.service import service

run(service)
