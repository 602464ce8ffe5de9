from chassis.cli import run
from leads.service import service

if __name__ == "__main__":
    run(service)
