"""Ports: preferred, kept, replaced where they are taken, refused where they were asked for."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from workshop.errors import EnvironmentFault, UsageError
from workshop.lab.ports import PREFERRED, choose


@pytest.fixture(autouse=True)
def no_wish(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORKSHOP_PORTS", raising=False)


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        yield sock.getsockname()[1]


def test_every_part_gets_its_own_port(tmp_path: Path) -> None:
    ports = choose(tmp_path / "ports.json", "free")
    assert set(ports) == set(PREFERRED)
    assert len(set(ports.values())) == len(ports)


def test_the_same_ports_come_back_after_a_restart(tmp_path: Path) -> None:
    first = choose(tmp_path / "ports.json", "free")
    assert choose(tmp_path / "ports.json", "free") == first


def test_a_kept_port_that_is_taken_now_is_replaced(tmp_path: Path, taken: int) -> None:
    kept = tmp_path / "ports.json"
    first = choose(kept, "free")
    kept.write_text(kept.read_text().replace(str(first["mlflow"]), str(taken)))
    assert choose(kept, "free")["mlflow"] != taken


def test_a_port_that_was_asked_for_and_is_taken_is_an_error(tmp_path: Path, taken: int) -> None:
    with pytest.raises(EnvironmentFault) as error:
        choose(tmp_path / "ports.json", f"mlflow={taken}")
    assert str(error.value) == (
        f"port {taken} for mlflow is in use on 127.0.0.1\n"
        "  free it, or leave mlflow out of WORKSHOP_PORTS and the lab takes another one"
    )
    assert error.value.exit_code == 3


@pytest.mark.parametrize("wish", ["mlflow", "mlflow=abc", "nobody=5000", "mlflow=70000"])
def test_a_wish_that_cannot_be_read_is_a_usage_error(tmp_path: Path, wish: str) -> None:
    with pytest.raises(UsageError, match="cannot read the port"):
        choose(tmp_path / "ports.json", wish)


def test_unreadable_kept_ports_are_chosen_anew(tmp_path: Path) -> None:
    kept = tmp_path / "ports.json"
    kept.write_text("{half")
    assert choose(kept, "free")["api"] > 0
