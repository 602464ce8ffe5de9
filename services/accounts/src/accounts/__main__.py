from accounts.service import service
from chassis.cli import run

if __name__ == "__main__":
    run(service)
