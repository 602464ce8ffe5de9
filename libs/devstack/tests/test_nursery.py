import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from devstack.nursery import Adopted, Nursery, Process

PROGRAM = """
import os, sys, time
print(sys.argv, os.environ.get("MERIDIAN_MARK"), os.environ.get("HOME"), os.getcwd())
if sys.argv[1] == "fail":
    raise ValueError("said before it ended")
if sys.argv[1] == "stay":
    time.sleep(60)
sys.exit(int(sys.argv[1]))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nursery")
    (folder / "program.py").write_text(PROGRAM)
    return folder


@pytest.fixture(scope="module")
def nursery(folder: Path) -> Iterator[Nursery]:
    opened = Nursery(imports=["asyncio", "no_such_module"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(folder))
        opened.open(folder / "nursery.log", folder)
    opened.wait_open()
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def empty_log(folder: Path) -> None:
    (folder / "program.log").write_bytes(b"")


def start(nursery: Nursery, argument: str, folder: Path) -> Process:
    environment = {"MERIDIAN_MARK": "ours", "PYTHONPATH": str(folder)}
    return nursery.start("program", argument, environment, folder / "program.log", folder)


def test_a_process_has_its_own_arguments_environment_folder_and_log(nursery: Nursery, folder: Path) -> None:
    process = start(nursery, "7", folder)
    assert process.wait(20) == 7
    assert process.poll() == process.returncode == 7
    assert (folder / "program.log").read_text() == f"['{folder}/program.py', '7'] ours None {folder}\n"


def test_a_failing_process_leaves_its_reason_in_the_log(nursery: Nursery, folder: Path) -> None:
    assert start(nursery, "fail", folder).wait(20) == 1
    assert "said before it ended" in (folder / "program.log").read_text()


def test_a_process_is_our_own_child_in_its_own_group_and_dies_by_its_signal(nursery: Nursery, folder: Path) -> None:
    process = start(nursery, "stay", folder)
    assert isinstance(process, Adopted)
    assert psutil.Process(process.pid).ppid() == os.getpid()
    assert os.getpgid(process.pid) == process.pid
    assert psutil.Process(process.pid).name() == "program"
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.1)
    process.send_signal(signal.SIGKILL)
    assert process.wait(20) == -signal.SIGKILL


def test_without_the_nursery_processes_start_the_slow_way(folder: Path) -> None:
    process = start(Nursery(), "7", folder)
    assert isinstance(process, subprocess.Popen)
    assert process.wait(20) == 7
    assert isinstance(process.args, list) and Path(sys.executable).name in str(process.args[0])
