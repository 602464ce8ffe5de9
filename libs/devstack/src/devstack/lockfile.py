"""Takes the registry's addresses out of uv.lock and puts them back, as a git filter and for the bootstrap.

strip    `registry = "index"`, `url = "/packages/…"`: what git stores.
expand   the reverse; the addresses are the ones that pip itself uses, so run it with a Python that has pip.

Both read stdin and write stdout, or rewrite the file named as second argument. Standard library only: it runs before
anything is installed. Doing it twice changes nothing.
"""

import re
import sys
from pathlib import Path

PLACEHOLDER = 'registry = "index"'


def strip(lock: str) -> str:
    without_index = re.sub(r'registry = "[a-z]+://[^"]*"', PLACEHOLDER, lock)
    return re.sub(r'url = "[a-z]+://[^/"]+/', 'url = "/', without_index)


def expand(lock: str, index_url: str, files_url: str) -> str:
    """index_url: the simple index; files_url: scheme and host of the files, without a slash at the end."""
    with_index = lock.replace(PLACEHOLDER, f'registry = "{index_url}"')
    return with_index.replace('url = "/', f'url = "{files_url}/')


def addresses_of_pip() -> tuple[str, str]:
    from pip._internal.models.index import PyPI

    scheme = PyPI.simple_url.partition("//")[0]
    return PyPI.simple_url, f"{scheme}//{PyPI.file_storage_domain}"


def main(arguments: list[str]) -> None:
    command, path = arguments[0], Path(arguments[1]) if len(arguments) > 1 else None
    before = path.read_text(encoding="utf-8") if path else sys.stdin.buffer.read().decode()
    after = strip(before) if command == "strip" else expand(before, *addresses_of_pip())
    if path is None:
        sys.stdout.buffer.write(after.encode())
    elif after != before:
        path.write_text(after, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
