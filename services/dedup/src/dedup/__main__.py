from chassis.cli import run
from dedup.service import service

if __name__ == "__main__":
    run(service)
