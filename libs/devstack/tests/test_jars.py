import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from devstack import jars
from devstack.jars import Jar, JarRefused

CONTENT = b"the jar that the lock names"
JAR = Jar("org.example.tools:thing:1.0", hashlib.sha256(CONTENT).hexdigest())


class Repository:
    """The other side of the network: hands out what it is told to, and counts."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.requests = 0

    def fetch(self, jar: Jar, cache: Path) -> None:
        self.requests += 1
        jar.path(cache).parent.mkdir(parents=True, exist_ok=True)
        jar.path(cache).write_bytes(self.content)


def checked(cache: Path, fetch: Callable[[Jar, Path], None]) -> list[Path]:
    return jars.checked([JAR], cache, fetch, lambda line: None)


def test_a_missing_jar_is_fetched_once_and_then_kept(tmp_path: Path) -> None:
    remote = Repository(CONTENT)
    assert checked(tmp_path, remote.fetch) == [tmp_path / "org/example/tools/thing/1.0/thing-1.0.jar"]
    checked(tmp_path, remote.fetch)
    assert remote.requests == 1


@pytest.mark.parametrize("damage", [CONTENT[:10], b"", CONTENT + b"!"])
def test_a_changed_or_truncated_jar_is_fetched_afresh(tmp_path: Path, damage: bytes) -> None:
    remote = Repository(CONTENT)
    (path,) = checked(tmp_path, remote.fetch)
    path.write_bytes(damage)
    checked(tmp_path, remote.fetch)
    assert path.read_bytes() == CONTENT
    assert remote.requests == 2


def test_a_jar_that_is_wrong_at_its_source_is_refused_and_not_kept(tmp_path: Path) -> None:
    remote = Repository(b"somebody else's jar")
    with pytest.raises(JarRefused, match=r"org\.example\.tools:thing:1\.0"):
        checked(tmp_path, remote.fetch)
    assert remote.requests == 1
    assert not JAR.path(tmp_path).exists()


def test_a_broken_connection_is_tried_again_and_then_named(tmp_path: Path) -> None:
    calls = []

    def cut(jar: Jar, cache: Path) -> None:
        calls.append(jar)
        raise ConnectionError("cut")

    with pytest.raises(JarRefused, match="could not be downloaded: cut"):
        checked(tmp_path, cut)
    assert len(calls) == 3


def test_the_lock_names_kafka_and_a_digest_for_each_jar() -> None:
    locked = jars.locked()
    assert {"org.apache.kafka:kafka_2.13:4.3.1", "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4"} <= {
        jar.coordinates for jar in locked
    }
    assert all(len(jar.sha256) == 64 for jar in locked)
