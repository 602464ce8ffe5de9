"""`python -m chassis.security kafka print|apply|users`: what the brokers and the databases must know about us.

`apply` and `users` sign in with MERIDIAN_KAFKA_USERNAME and so on, as a service does; that user must be a super user.
`users` takes the passwords from MERIDIAN_KAFKA_PASSWORD_<PRINCIPAL>. `roles` prints roles.sql.
"""

import argparse
import os
import sys
from importlib.resources import files

from chassis.kafka import Bus
from chassis.security.acls import MIGRATOR, Grant, commands, grants, grants_for_subscriber, services
from chassis.service import bus_of
from chassis.settings import ServiceSettings

PASSWORD = "MERIDIAN_KAFKA_PASSWORD_"  # noqa: S105 - how the variables' names begin


def main(arguments: list[str]) -> int:
    chosen = _parser().parse_args(arguments)
    if chosen.what == "roles":
        print((files("chassis.security") / "roles.sql").read_text(), end="")
        return 0
    if chosen.command == "users":
        return _users()
    wanted = _wanted(chosen.subscriber, chosen.topic)
    if chosen.command == "print":
        print("\n".join(commands(wanted, ServiceSettings().kafka)))
        return 0
    return _apply(wanted)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="chassis.security", description=__doc__)
    parts = parser.add_subparsers(dest="what", required=True)
    parts.add_parser("roles", help="the roles of one service's database, for psql")
    kafka = parts.add_parser("kafka", help="access lists and users")
    kafka.add_argument("command", choices=["print", "apply", "users"])
    kafka.add_argument("--subscriber", default="", help="the list of another system instead of ours")
    kafka.add_argument("--topic", action="append", default=[], help="what it may read; may be repeated")
    return parser


def _wanted(subscriber: str, topics: list[str]) -> list[Grant]:
    if not subscriber:
        return grants()
    if subscriber in (*services(), MIGRATOR):
        raise SystemExit(f"{subscriber} is one of ours")
    try:
        return grants_for_subscriber(subscriber, topics)
    except KeyError as error:
        raise SystemExit(f"there is no topic {error}") from None


def _apply(wanted: list[Grant]) -> int:
    from chassis.kafka import access_lists

    added, removed = access_lists.set_acls(access_lists.admin(_bus()), wanted)
    print(f"{len(wanted)} permissions: {added} added, {removed} removed")
    return 0


def _users() -> int:
    from chassis.kafka import access_lists

    names = (*services(), MIGRATOR)
    passwords = {name: os.environ.get(PASSWORD + name.upper(), "") for name in names}
    if missing := [PASSWORD + name.upper() for name, word in passwords.items() if not word]:
        print(f"set {', '.join(missing)}", file=sys.stderr)
        return 2
    access_lists.set_passwords(access_lists.admin(_bus()), passwords)
    print(f"{len(passwords)} users")
    return 0


def _bus() -> Bus:
    return bus_of(ServiceSettings(), "security")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
