"""Under which account PostgreSQL and Kafka run, and which folders that account can reach.

PostgreSQL refuses to run as root, so servers started by root run as `nobody`; an ordinary user's run as that user. A
checkout may lie in a folder that nobody may enter (/root): what the servers need then stands outside of it, see `home`.
"""

import fcntl
import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import platformdirs

NOBODY = 65534
# In a checkout that nobody can enter, data lie here and `.local` holds a link.
OUTSIDE = Path("/var/lib/meridian")


def is_root() -> bool:
    return os.geteuid() == 0


def credentials() -> dict[str, Any]:
    """Arguments of subprocess.Popen that drop root's rights."""
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if is_root() else {}


def reachable(path: Path) -> bool:
    """May the servers' account enter the folder? True for an ordinary user: it is the same account."""
    if not is_root():
        return True
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in (path, *path.parents) if folder.exists())


def cache() -> Path:
    """The user's cache folder, shared by checkouts; root's is the machine's when nobody cannot enter root's own."""
    user = platformdirs.user_cache_path("meridian")
    folder = user if reachable(user.parent) else platformdirs.site_cache_path("meridian")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def readable(base: Path, names: Sequence[str], label: str) -> Path:
    """The folder that holds `names`: base itself, or a copy in the cache when the servers' account cannot enter it."""
    if reachable(base):
        return base
    copy = cache() / label
    if not copy.exists():
        half = Path(tempfile.mkdtemp(dir=copy.parent))
        for name in names:
            shutil.copytree(base / name, half / name, symlinks=True)
        half.chmod(0o755)
        half.replace(copy)
    return copy


def home(folder: Path) -> Path:
    """An existing folder that the servers' account owns: `folder`, or what the link at its place points to."""
    if not reachable(folder.parent):
        _link_outside(folder)
    real = folder.resolve()
    real.mkdir(parents=True, exist_ok=True)
    if is_root():
        os.chown(real, NOBODY, NOBODY)
    real.chmod(0o700)
    return real


def _link_outside(folder: Path) -> None:
    OUTSIDE.mkdir(parents=True, exist_ok=True)
    OUTSIDE.chmod(0o711)
    with (OUTSIDE / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _remove_orphans()
        if not folder.exists():
            _make_outside(folder)


def _make_outside(folder: Path) -> None:
    outside = Path(tempfile.mkdtemp(prefix=f"{folder.name}-", dir=OUTSIDE))
    _owner(outside).write_text(str(folder), encoding="utf-8")
    folder.unlink(missing_ok=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.symlink_to(outside, target_is_directory=True)


def _remove_orphans() -> None:
    """Removing `.local` starts afresh: data whose link is gone go too."""
    for outside in OUTSIDE.glob("*/"):
        owner = _owner(outside)
        if owner.exists() and Path(owner.read_text(encoding="utf-8")).resolve() != outside:
            shutil.rmtree(outside, ignore_errors=True)
            owner.unlink()


def _owner(outside: Path) -> Path:
    return outside.with_name(f".{outside.name}.owner")


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
