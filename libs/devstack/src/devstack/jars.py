"""The jars of Apache Kafka: their coordinates and SHA-256 are in kafka.lock, jgo fetches them into the user's cache."""

import fcntl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from devstack import account

LOCK = "kafka.lock"
ROOTS = ("org.apache.kafka:kafka_2.13:4.3.1", "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4")


class Jar(NamedTuple):
    coordinates: str
    sha256: str

    def path(self, repository: Path) -> Path:
        group, artifact, number = self.coordinates.split(":")
        return repository / group.replace(".", "/") / artifact / number / f"{artifact}-{number}.jar"


class JarRefused(Exception):
    """A jar is not the one that the lock names."""


def locked() -> list[Jar]:
    text = (files("devstack") / LOCK).read_text(encoding="utf-8")
    return [Jar(*line.split()) for line in text.splitlines() if line and not line.startswith("#")]


def kafka_jars(say: Callable[[str], None] = lambda line: None) -> list[Path]:
    """Paths of the checked jars; fetches what is missing or differs from the lock, once."""
    return checked(locked(), account.cache() / "maven", download, say)


def checked(
    jars: list[Jar], repository: Path, fetch: Callable[[Jar, Path], None], say: Callable[[str], None]
) -> list[Path]:
    repository.mkdir(parents=True, exist_ok=True)
    if any(not _is_right(jar, repository) for jar in jars):
        with (repository / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            _replace_wrong(jars, repository, fetch, say)
    return [jar.path(repository) for jar in jars]


def _replace_wrong(
    jars: list[Jar], repository: Path, fetch: Callable[[Jar, Path], None], say: Callable[[str], None]
) -> None:
    wrong = [jar for jar in jars if not _is_right(jar, repository)]
    if wrong:
        say(f"Downloading Apache Kafka: {len(wrong)} of {len(jars)} jars into {repository}")
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda jar: _fetch_afresh(jar, repository, fetch), wrong))
    if refused := [jar.coordinates for jar in wrong if not _is_right(jar, repository)]:
        for jar in wrong:
            if jar.coordinates in refused:
                jar.path(repository).unlink(missing_ok=True)
        raise JarRefused(f"Not what {LOCK} says, even after a fresh download: {', '.join(refused)}")


def _is_right(jar: Jar, repository: Path) -> bool:
    path = jar.path(repository)
    return path.exists() and account.digest(path) == jar.sha256


def _fetch_afresh(jar: Jar, repository: Path, fetch: Callable[[Jar, Path], None], attempts: int = 3) -> None:
    for attempt in range(1, attempts + 1):
        jar.path(repository).unlink(missing_ok=True)
        try:
            return fetch(jar, repository)
        except Exception as problem:  # jgo and requests raise many kinds; what matters is whether the file came
            if attempt == attempts:
                raise JarRefused(f"{jar.coordinates} could not be downloaded: {problem}") from problem


def download(jar: Jar, repository: Path) -> None:
    # Here and not above: it takes a second to import, and most starts find every jar in the cache.
    from jgo.maven import MavenContext

    group, artifact, number = jar.coordinates.split(":")
    context = MavenContext(repo_cache=repository, timeout=60)
    context.project(group, artifact).at_version(number).artifact().resolve()


def resolve(repository: Path) -> list[Jar]:
    """What Kafka needs according to Maven, for writing the lock: `python -m devstack.jars > kafka.lock`."""
    from jgo.maven import MavenContext, Model

    context = MavenContext(repo_cache=repository, timeout=60)
    found = {}
    for root in ROOTS:
        group, artifact, number = root.split(":")
        component = context.project(group, artifact).at_version(number)
        needed = [d.artifact for d in Model(component.pom(), context).dependencies()[0] if d.scope in _AT_RUN_TIME]
        for item in (component.artifact(), *needed):
            found[f"{item.groupId}:{item.artifactId}:{item.version}"] = account.digest(item.resolve())
    return [Jar(*pair) for pair in sorted(found.items())]


_AT_RUN_TIME = {"compile", "runtime", None}

if __name__ == "__main__":
    print("# Apache Kafka's jars and their SHA-256, written by `python -m devstack.jars`")
    for jar in resolve(account.cache() / "maven"):
        print(*jar)
