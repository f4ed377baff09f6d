"""Ports: preferred, kept, reserved, replaced when in use, refused when requested and in use."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from workshop.errors import SetupError, UsageError
from workshop.lab.components import COMPONENTS
from workshop.lab.listening.owner import listens as is_listened_on_by
from workshop.lab.ports import choose, listen, preferred, reserve

PREFERRED = preferred(COMPONENTS)


@pytest.fixture(autouse=True)
def no_wish(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORKSHOP_PORTS", raising=False)


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        yield sock.getsockname()[1]


needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a port is only looked for")


def numbers(kept: Path, wish: str) -> dict[str, int]:
    """What is chosen, let go again."""
    held = choose(kept, PREFERRED, wish)
    for port in held.values():
        port.close()
    return {name: port.number for name, port in held.items()}


def listens(port: int, *, shares: bool) -> bool:
    """Whether a program could listen on a port: one that shares sets SO_REUSEADDR, as servers do."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(shares))
        try:
            sock.bind(("127.0.0.1", port))
            sock.listen()
        except OSError:
            return False
    return True


@needs_linux
def test_two_labs_of_one_user_do_not_share_a_port(tmp_path: Path) -> None:
    first = choose(tmp_path / "first.json", PREFERRED)
    try:
        # The first lab serves on its ports already.
        with listen(first["api"].number) as api:
            api.listen()
            second = choose(tmp_path / "second.json", PREFERRED)
    finally:
        for port in first.values():
            port.close()
    for port in second.values():
        port.close()
    assert not {port.number for port in first.values()} & {port.number for port in second.values()}


@needs_linux
def test_a_reserved_port_can_only_be_used_by_its_server() -> None:
    with reserve() as held:
        assert not listens(held.number, shares=False)
        assert listens(held.number, shares=True)
        assert not listens(held.number, shares=False), "it is still held when the server has ended"
    assert listens(held.number, shares=False)


@needs_linux
def test_reserved_ports_differ_and_are_not_used_for_outgoing_connections() -> None:
    # Without holding, ports come again: 400 asked for at random from some 28,000 hold a pair in 94 of 100 cases.
    held = [reserve() for _ in range(400)]
    mine = {port.number for port in held}
    try:
        assert len(mine) == 400
        with socket.create_server(("127.0.0.1", 0)) as server:
            for _ in range(400):
                with socket.create_connection(server.getsockname()) as client:
                    assert client.getsockname()[1] not in mine
                server.accept()[0].close()
    finally:
        for port in held:
            port.close()


def test_a_port_in_use_cannot_be_reserved(taken: int) -> None:
    with pytest.raises(OSError, match="in use"):
        reserve(taken)


@needs_linux
def test_chosen_ports_are_reserved(tmp_path: Path) -> None:
    held = choose(tmp_path / "ports.json", PREFERRED, "free")
    assert not any(listens(port.number, shares=False) for port in held.values())
    for port in held.values():
        port.close()


def test_every_part_gets_its_own_port(tmp_path: Path) -> None:
    ports = numbers(tmp_path / "ports.json", "free")
    assert set(ports) == set(PREFERRED)
    assert len(set(ports.values())) == len(ports)


def test_the_same_ports_come_back_after_a_restart(tmp_path: Path) -> None:
    first = numbers(tmp_path / "ports.json", "free")
    assert numbers(tmp_path / "ports.json", "free") == first


def test_a_kept_port_that_is_taken_now_is_replaced(tmp_path: Path, taken: int) -> None:
    kept = tmp_path / "ports.json"
    first = numbers(kept, "free")
    kept.write_text(kept.read_text().replace(str(first["mlflow"]), str(taken)))
    assert numbers(kept, "free")["mlflow"] != taken


def test_a_port_that_was_asked_for_and_is_taken_is_an_error(tmp_path: Path, taken: int) -> None:
    with pytest.raises(SetupError) as error:
        numbers(tmp_path / "ports.json", f"mlflow={taken}")
    assert str(error.value) == (
        f"port {taken} for mlflow is in use on 127.0.0.1\n"
        "  free it, or leave mlflow out of WORKSHOP_PORTS and the lab takes another one"
    )
    assert error.value.exit_code == 3


@pytest.mark.parametrize("wish", ["mlflow", "mlflow=abc", "nobody=5000", "mlflow=70000"])
def test_a_wish_that_cannot_be_read_is_a_usage_error(tmp_path: Path, wish: str) -> None:
    with pytest.raises(UsageError, match="cannot read the port"):
        numbers(tmp_path / "ports.json", wish)


def test_unreadable_kept_ports_are_chosen_anew(tmp_path: Path) -> None:
    kept = tmp_path / "ports.json"
    kept.write_text("{half")
    assert numbers(kept, "free")["api"] > 0


IMPOSTOR = """
import os, socket, sys
os.setgroups([]); os.setgid(65534); os.setuid(65534)
for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, option, 1)
        try:
            one.bind(("127.0.0.1", int(sys.argv[1])))
            one.listen()
        except OSError:
            continue
        print("listens")
"""


def impostor(port: int) -> str:
    """What a program of another user gets: `listens`, or nothing."""
    done = subprocess.run([sys.executable, "-I", "-c", IMPOSTOR, str(port)], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@needs_linux
@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start a program of another user")
def test_another_user_gets_no_port_of_the_lab_while_its_server_restarts() -> None:
    with reserve(for_own_user=True) as port:
        for _ in range(3):
            assert impostor(port.number) == "", "nothing listens"
            with listen(port.number) as server:
                server.listen()
                with socket.create_connection(("127.0.0.1", port.number)) as client:
                    server.setblocking(True)
                    # Closed by the server first: the port has a connection in TIME_WAIT from now on.
                    server.accept()[0].close()
                    assert client.recv(1) == b""
                    assert impostor(port.number) == "", "the lab's server listens"


@needs_linux
def test_a_port_of_the_lab_is_not_for_servers_that_share_by_address() -> None:
    with reserve(for_own_user=True) as port:
        assert not listens(port.number, shares=True)


@needs_linux
def test_what_the_lab_serves_itself_is_reserved_for_its_user(tmp_path: Path) -> None:
    held = choose(tmp_path / "ports.json", PREFERRED, "free")
    shared = {name for name, port in held.items() if listens(port.number, shares=True)}
    for port in held.values():
        port.close()
    assert not shared


def test_a_port_that_another_process_listens_on_is_not_ours(taken: int) -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        assert not is_listened_on_by(child.pid, taken)
        assert is_listened_on_by(os.getpid(), taken)
    finally:
        child.communicate(b"\n")
    assert not is_listened_on_by(child.pid, taken)
