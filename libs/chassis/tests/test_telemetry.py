"""Logs: one JSON object a line, with the correlation id, without secrets and without local variables."""

import json
import subprocess
import sys

SCRIPT = """
import logging, structlog
from chassis.context import SYSTEM, acting
from chassis.settings import ServiceSettings
from chassis.telemetry import access_log, setup_logging

setup_logging(ServiceSettings(log={log!r}), "workshop")
log = structlog.get_logger("here")
with acting(SYSTEM, correlation="visit-7"):
    log.info("greeted", who="Żółw", count=1, password="canary-one", access_token="canary-two")
    logging.getLogger("aiokafka.consumer").warning("lagging %s", "behind")
    logging.getLogger("aiokafka.consumer").info("chatter")
    logging.getLogger("uvicorn.error").info("started")
    try:
        canary = "canary-three"
        raise ValueError("no")
    except ValueError:
        log.exception("failed", odd=object())
    access_log(method="GET", path="/a\\nforged", route="unmatched", status=404, ms=1.5)
"""


def output(log: str) -> str:
    result = subprocess.run([sys.executable, "-c", SCRIPT.format(log=log)], capture_output=True, text=True, check=True)
    assert result.stderr == ""
    return result.stdout


def test_json_lines() -> None:
    text = output("json")
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line["event"] for line in lines] == ["greeted", "lagging behind", "started", "failed", "request"]
    assert {line["correlation_id"] for line in lines} == {"visit-7"}
    assert {line["service"] for line in lines} == {"workshop"}
    assert [line["level"] for line in lines] == ["info", "warning", "info", "error", "info"]
    assert lines[0]["who"] == "Żółw" and lines[0]["password"] == "***"
    assert lines[3]["exception"][0]["exc_type"] == "ValueError"
    assert "canary" not in text, "neither secrets nor local variables"


def test_console_lines() -> None:
    text = output("console")
    assert "greeted" in text and "lagging behind" in text and "ValueError: no" in text
    assert "chatter" not in text and "canary" not in text.replace('canary = "canary-three"', "")
    assert text.count("\nforged") == 0 and "path=/a\\nforged" in text
    assert "\x1b[" not in text, "no colours into a pipe"
