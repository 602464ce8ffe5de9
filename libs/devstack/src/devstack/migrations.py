"""Migrates all services in one process, as most of the time goes into imports: `python -m devstack.migrations`.

Reads {"service": {"MERIDIAN_…": …}} from stdin and runs `python -m <service> migrate` for each, one after the other.
"""

import json
import os
import runpy
import sys


def main() -> None:
    for service, environment in json.load(sys.stdin).items():
        os.environ.update(environment)
        sys.argv = [service, "migrate"]
        try:
            runpy.run_module(service, run_name="__main__", alter_sys=True)
        except SystemExit as end:
            if end.code:
                sys.exit(f"{service} could not be migrated: {end.code}")
        except Exception as problem:
            raise RuntimeError(f"{service} could not be migrated") from problem


if __name__ == "__main__":
    main()
