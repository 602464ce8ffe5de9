"""What processes take of the machine's memory."""

from pathlib import Path


def memory(pids: dict[str, int]) -> dict[str, int]:
    """Proportional set size in bytes per process: shared pages are counted once over all of them."""
    return {name: _pss(pid) for name, pid in pids.items()}


def _pss(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0
