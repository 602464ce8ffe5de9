import subprocess
import sys
from pathlib import Path

from devstack import discovery, lockfile

ROOT = discovery.checkout()
EXPANDED = """\
[[package]]
name = "example"
source = { registry = "https://index.example/simple" }
sdist = { url = "https://files.example/packages/ce/f4/example-1.0.tar.gz", hash = "sha256:06" }
wheels = [
    { url = "https://files.example/packages/71/43/example-1.0-py3-none-any.whl", hash = "sha256:92" },
]

[[package]]
name = "ours"
source = { editable = "libs/ours" }
"""


def test_strip_takes_out_every_address_and_expand_puts_them_back() -> None:
    stripped = lockfile.strip(EXPANDED)
    assert "://" not in stripped
    assert 'registry = "index"' in stripped
    assert 'url = "/packages/ce/f4/example-1.0.tar.gz"' in stripped
    assert lockfile.expand(stripped, "https://index.example/simple", "https://files.example") == EXPANDED


def test_doing_it_twice_changes_nothing() -> None:
    stripped = lockfile.strip(EXPANDED)
    assert lockfile.strip(stripped) == stripped
    assert lockfile.expand(EXPANDED, "https://other.example/simple", "https://other.example") == EXPANDED


def test_the_real_lock_survives_the_round_trip() -> None:
    lock = (ROOT / "uv.lock").read_text(encoding="utf-8")
    expanded = lockfile.expand(lockfile.strip(lock), *lockfile.addresses_of_pip())
    assert lockfile.strip(expanded) == lockfile.strip(lock)
    assert "://" not in lockfile.strip(lock)


def test_as_a_command_it_filters_and_rewrites_in_place(tmp_path: Path) -> None:
    script = Path(lockfile.__file__)
    stripped = subprocess.run([sys.executable, "-I", script, "strip"], input=EXPANDED.encode(), stdout=subprocess.PIPE)
    assert stripped.stdout.decode() == lockfile.strip(EXPANDED)
    file = tmp_path / "uv.lock"
    file.write_bytes(stripped.stdout)
    subprocess.run([sys.executable, "-I", script, "expand", file], check=True)
    once = file.stat().st_mtime_ns, file.read_text()
    assert "://" in once[1]
    subprocess.run([sys.executable, "-I", script, "expand", file], check=True)
    assert (file.stat().st_mtime_ns, file.read_text()) == once


def test_the_script_itself_names_no_address() -> None:
    assert "https:" not in Path(lockfile.__file__).read_text(encoding="utf-8")
