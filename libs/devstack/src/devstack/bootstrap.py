"""From a bare Python to a complete .venv: `python -I bootstrap.py`, called by make when the lock is newer than .venv.

Standard library only, and in a syntax that an old Python still reads, so that it can say which one is needed.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn

UV = "0.13.9"
ROOT = Path(__file__).resolve().parents[4]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
SCRIPT = "libs/devstack/src/devstack/lockfile.py"


def run(*command: object, **options: Any) -> Any:
    return subprocess.run([str(part) for part in command], cwd=str(ROOT), **options)


def fail(message: str) -> NoReturn:
    sys.exit("make: " + message)


def create_venv() -> None:
    if PYTHON.exists() and run(PYTHON, "-c", "import pip", stderr=subprocess.DEVNULL).returncode == 0:
        return
    print("Creating .venv ...", flush=True)
    if run(sys.executable, "-m", "venv", "--clear", VENV).returncode:
        fail("Python could not create .venv; on Debian and Ubuntu install the package python3-venv.")


def install_uv() -> None:
    asked = run(VENV / "bin" / "uv", "--version", stdout=subprocess.PIPE) if (VENV / "bin" / "uv").exists() else None
    if asked and asked.stdout.split()[1:2] == [UV.encode()]:
        return
    print("Installing uv " + UV + " ...", flush=True)
    if run(PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "uv==" + UV).returncode:
        fail("uv could not be installed; is the package index reachable with pip?")


def restore_lock() -> None:
    """Git keeps uv.lock without addresses; the filter is local configuration, so a clone gets it here."""
    is_clone = (ROOT / ".git").exists()
    if is_clone:
        python = PYTHON.relative_to(ROOT).as_posix()
        for name, command in (("clean", "strip"), ("smudge", "expand")):
            run("git", "config", "filter.lockfile." + name, f"{python} -I {SCRIPT} {command}")
        run("git", "config", "filter.lockfile.required", "false")
    if run(PYTHON, "-I", SCRIPT, "expand", "uv.lock").returncode:
        fail("uv.lock could not be completed.")
    if is_clone and stored("ls-files", "-s", "uv.lock")[1:2] == stored("hash-object", "--path=uv.lock", "uv.lock"):
        # Same content after the filter, another size: git lists it as changed until it has looked once.
        run("git", "add", "uv.lock")


def stored(*command: str) -> Any:
    return run("git", *command, stdout=subprocess.PIPE).stdout.split()


def sync() -> None:
    print("Installing the Python packages (the first time takes a minute) ...", flush=True)
    if run(VENV / "bin" / "uv", "sync", "--quiet", "--frozen", "--all-packages", "--compile-bytecode").returncode:
        fail("the packages of uv.lock could not be installed.")
    (VENV / ".synced").touch()


def main() -> None:
    if sys.version_info < (3, 11):  # noqa: UP036 - the oldest Python that reads this file is the one to tell
        found = "{}.{}".format(*sys.version_info)
        fail(f"Meridian needs Python 3.11 or newer, this is {found}; name another one with make PYTHON=...")
    create_venv()
    install_uv()
    restore_lock()
    sync()


if __name__ == "__main__":
    main()
