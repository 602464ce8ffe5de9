"""The logs of the children: what is notable also goes to the terminal, no file grows without end."""

import re
import time
from collections.abc import Callable
from pathlib import Path

SERVICES = re.compile(r"\[(warning|error|critical)\s*\]|\b(WARNING|ERROR|CRITICAL)\b|^Traceback")
# A refused statement or request is an answer to a service, not a trouble of the server
SERVERS = re.compile(r"\b(FATAL|PANIC)\b")

SIZE_LIMIT = 20_000_000
# A service that meets the same trouble again and again does not fill the terminal
LINES, WINDOW, WIDTH = 5, 60.0, 300


class LogWatch:
    """`look` is called again and again and says what is new since the last time."""

    def __init__(self, name: str, log: Path, notable: re.Pattern[str], say: Callable[[str], None]) -> None:
        self._name, self._log, self._notable, self._say = name, log, notable, say
        self._window_began, self._shown = 0.0, 0
        self.skip()

    def skip(self) -> None:
        """What was written so far is not shown: at the start everybody complains about everybody."""
        self._at = self._log.stat().st_size if self._log.exists() else 0

    def look(self) -> None:
        size = self._log.stat().st_size if self._log.exists() else 0
        self._at = min(self._at, size)
        if size > self._at:
            for line in self._new_lines():
                self._show(line)
        if self._at > SIZE_LIMIT:
            self._shorten()

    def _new_lines(self) -> list[str]:
        with self._log.open("rb") as file:
            file.seek(self._at)
            whole, newline, _ = file.read(1_000_000).rpartition(b"\n")
        self._at += len(whole) + len(newline)
        return [line for line in whole.decode(errors="replace").splitlines() if self._notable.search(line)]

    def _show(self, line: str) -> None:
        if time.monotonic() - self._window_began > WINDOW:
            self._window_began, self._shown = time.monotonic(), 0
        self._shown += 1
        if self._shown <= LINES:
            self._say(f"{self._name:<13} | {line[:WIDTH]}")
        elif self._shown == LINES + 1:
            self._say(f"{self._name:<13} | more of this in {self._log}")

    def _shorten(self) -> None:
        """Children append, so an emptied file goes on at its start; the part before is kept once."""
        self._log.with_suffix(".log.1").write_bytes(self._log.read_bytes())
        with self._log.open("r+b") as file:
            file.truncate(0)
        self._at = 0
