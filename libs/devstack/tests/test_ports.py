import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from devstack import ports


@pytest.fixture
def busy() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def port_of(server: socket.socket) -> int:
    return int(server.getsockname()[1])


def test_a_busy_port_gives_the_next_free_one(busy: socket.socket) -> None:
    taken = port_of(busy)
    assert not ports.is_free(taken)
    assert ports.next_free(taken) > taken


def test_an_explicit_port_is_never_replaced(busy: socket.socket) -> None:
    with pytest.raises(ports.PortBusy, match=f"Port {port_of(busy)}"):
        ports.exactly(port_of(busy))


def test_a_promised_port_is_not_given_twice() -> None:
    first = ports.next_free(31000)
    assert ports.next_free(31000) != first


def test_the_promise_ends_with_the_process() -> None:
    script = "from devstack import ports; print(ports.next_free(31500))"
    first = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout
    second = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout
    assert first == second


def test_a_half_written_note_of_promises_is_forgotten() -> None:
    assert ports._parsed('{"8000": 12') == {}
