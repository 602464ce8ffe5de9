"""Ten seconds of faults, so that neither the rig nor the backbone rots between the long runs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SEED = 17


@pytest.mark.timeout(480)
def test_nothing_is_lost_invented_wrong_or_out_of_order_in_a_short_run(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "chaos", "--quick", "--seed", str(SEED), "--results", str(tmp_path)]
    ended = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert ended.returncode == 0, ended.stdout
    record = json.loads((tmp_path / f"chaos-{SEED}.json").read_text())
    assert record["violations"] == {"lost": 0, "phantom": 0, "wrong": 0, "out of order": 0}
    assert record["figures"]["effects"] > 50
    assert record["figures"]["records quarantined"] > 0
    assert len(record["injected"]) >= 15, record["injected"]
