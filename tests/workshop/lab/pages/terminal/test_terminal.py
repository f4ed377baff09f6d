"""The WebSocket of the guide's terminal: access, content, and limits."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from tests.workshop.lab.pages.terminal.fixtures import Lab, Page, terminals
from workshop.lab.pages.terminal import shell as limits
from workshop.lab.pages.terminal.shells import COUNT

FRAME = 16 * 1024
"""What one read of the terminal gives at most: by so much a bound may be passed."""


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with terminals(tmp_path) as made:
        yield made


def test_a_page_types_and_sees_what_the_shell_prints_with_the_lab_s_prompt(lab: Lab, tmp_path: Path) -> None:
    page = lab.attach()
    assert page.run("echo $((6 * 7))") == "42\r\n"
    assert page.run("pwd") == f"{tmp_path}\r\n"
    page.until(b"(lab) ")


def test_ctrl_c_ends_the_program_and_not_the_shell(lab: Lab) -> None:
    page = lab.attach()
    page.run("echo $$ > shell")
    page.start("python3 -c 'import time; print(\"it runs\", flush=True); time.sleep(1000)'")
    page.cut(b"it runs")
    page.type("\x03")
    assert page.run("test $$ = $(cat shell) && echo the same") == "the same\r\n"


def test_programs_ignore_no_signal(lab: Lab) -> None:
    name, ignored = lab.attach().run("grep SigIgn /proc/self/status").split()
    # 32 and 33 are the C library's own signals (signal(7)); what the tests' own parent does with them does not matter.
    assert (name, int(ignored, 16) & 0x7FFFFFFF) == ("SigIgn:", 0)


def test_programs_get_the_size_of_the_page(lab: Lab) -> None:
    page = lab.attach()
    page.say(type="resize", rows=31, columns=117)
    assert page.run("stty size") == "31 117\r\n"


@pytest.mark.parametrize(
    "headers",
    [
        {"Cookie": ""},
        {"Cookie": "workshop_console=another"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "https://evil.example"},
        {"Origin": ""},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Authorization": "Bearer wrong"},
    ],
    ids=str,
)
def test_without_cookie_or_from_another_origin_there_is_no_terminal(lab: Lab, headers: dict[str, str]) -> None:
    with pytest.raises(InvalidStatus) as refused:
        lab.attach(headers=headers)
    assert refused.value.response.status_code in (401, 403)
    assert not lab.shells._running, "no shell was started for it"


def test_another_host_name_reaches_no_terminal(lab: Lab) -> None:
    port = lab.served.url.rpartition(":")[2]
    with pytest.raises(InvalidStatus):
        connect(
            f"ws://rebound.localtest.me:{port}/guide/terminal/1",
            sock=socket.create_connection(("127.0.0.1", int(port))),
            additional_headers={"Origin": f"http://rebound.localtest.me:{port}"},
            legacy=True,
        )


def test_the_number_of_terminals_is_limited(lab: Lab) -> None:
    shells = {lab.attach(number).run("echo $$") for number in range(1, COUNT + 1)}
    assert len(shells) == COUNT
    for number in (0, COUNT + 1, 10**9):
        with pytest.raises(InvalidStatus):
            lab.attach(number)


def test_a_page_that_comes_back_finds_its_shell_and_what_it_had_printed(lab: Lab) -> None:
    page = lab.attach()
    pid = page.run("echo $$")
    page.run("place=here")
    page.socket.close()
    again = lab.attach()
    assert again.earlier > 0
    again.cut(b"place=here")
    assert again.run("echo $place in $$") == f"here in {pid}"


def test_an_ended_shell_is_reported_and_the_next_page_gets_a_new_one(lab: Lab) -> None:
    page = lab.attach()
    pid = page.run("echo $$")
    page.start("echo good bye; exit")
    assert _end(page) == (1000, "the shell has ended")
    assert page.seen.startswith(b"good bye")
    assert lab.attach().run("echo $$") != pid


def test_stopping_the_lab_ends_the_shells_and_all_that_they_have_started(lab: Lab) -> None:
    page = lab.attach()
    pids = [int(page.run("echo $$"))]
    for command in ("sleep 1001", "nohup sleep 1002 >/dev/null 2>&1", "setsid -w sleep 1003"):
        page.run(f"{command} &")
        pids.append(int(page.run("echo $!").split()[0]))
    page.start("sleep 1004")
    assert all(_lives(pid) for pid in pids)
    lab.close()
    deadline = time.monotonic() + 10
    while any(map(_lives, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [pid for pid in pids if _lives(pid)]
    with pytest.raises(InvalidStatus):
        lab.attach()


# -- hostile, or only slow


@pytest.mark.parametrize("size", [64 * 1024 + 1, 10 * 1024 * 1024])
def test_a_huge_message_ends_the_connection_and_not_the_shell(lab: Lab, size: int) -> None:
    page = lab.attach()
    pid = page.run("echo $$")
    with suppress(ConnectionClosed):
        page.socket.send("x" * size)
    with pytest.raises(ConnectionClosed) as closed:
        _read(page)
    assert closed.value.rcvd is None or closed.value.rcvd.code == 1009
    assert lab.attach().run("echo $$") == pid


@pytest.mark.parametrize(
    "message",
    [
        "",
        "[]",
        "no JSON",
        '{"type": "type"}',
        '{"type": "type", "text": 1}',
        '{"type": "type", "text": "x", "more": 1}',
        '{"type": "exec", "text": "x"}',
        '{"type": "resize", "rows": 0, "columns": 80}',
        '{"type": "resize", "rows": 24, "columns": 100000}',
        '{"type": "resize", "rows": 1e400, "columns": 80}',
        '{"type": "drawn", "bytes": -1}',
        '{"type": "drawn", "bytes": 100000000}',
        '{"type": "type", "text": "\\ud800"}',
        "[" * 5000,
        b"\xff\x00",
    ],
    ids=lambda text: repr(text)[:50],
)
def test_an_invalid_message_ends_the_connection_with_the_reason(lab: Lab, message: str | bytes) -> None:
    page = lab.attach()
    page.run("true")
    page.socket.send(message)
    code, reason = _end(page)
    assert code == 1008 and reason


def test_a_page_that_draws_nothing_makes_the_shell_wait_and_goes_on_when_it_draws(lab: Lab) -> None:
    page = lab.attach()
    page.start("yes")
    page.seen = b""
    with pytest.raises(TimeoutError):
        _read(page, 1, draw=False)
    waits = len(page.seen)
    assert limits.WINDOW < waits <= limits.WINDOW + FRAME
    page.say(type="drawn", bytes=waits)
    page.take()
    assert len(page.seen) > waits


def test_a_page_that_never_draws_is_dropped_and_stops_no_other(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LAG_SECONDS", 3.0)
    slow, page = lab.attach(), lab.attach()
    page.start("head -c 1500000 /dev/zero | tr '\\0' 'x' | fold -w 99; echo all of it")
    page.until(b"all of it")
    assert _end(slow, draw=False) == (4000, "the page did not keep up with the output")


def test_what_is_kept_for_the_next_page_is_bounded(lab: Lab) -> None:
    page = lab.attach()
    page.run("head -c 3000000 /dev/zero | tr '\\0' 'x' | fold -w 99")
    again = lab.attach()
    assert limits.SCROLLBACK // 2 < again.earlier <= limits.SCROLLBACK
    again.take()
    assert again.seen.startswith(b"x" * 99 + b"\r\n"), "it begins with a whole line"


def test_of_many_pages_the_newest_show_the_shell(lab: Lab) -> None:
    pages = [lab.attach() for _ in range(30)]
    assert pages[-1].run("echo still here") == "still here\r\n"
    dropped = [page for page in pages if _dropped(page)]
    assert dropped == pages[: -limits.VIEWERS]


def test_keys_that_no_program_reads_are_bounded(lab: Lab) -> None:
    page = lab.attach()
    page.run("stty -icanon")
    page.start("sleep 1000")
    with suppress(ConnectionClosed):
        for _ in range(100):
            page.type("x" * 8192)
    assert _end(page) == (1008, "no program reads what is typed; it was not typed")
    assert len(lab.shells._running[1]._typed) <= limits.PENDING


def test_a_command_that_does_not_start_is_reported(tmp_path: Path) -> None:
    with terminals(tmp_path, str(tmp_path / "missing")) as lab:
        page = lab.attach()
        _end(page)
        assert b"No such file" in page.seen


def _read(page: Page, seconds: float = 20, *, draw: bool = True) -> None:
    while True:
        page.take(seconds, draw=draw)


def _end(page: Page, *, draw: bool = True) -> tuple[int, str]:
    """Read on to the end of the connection; the code and the reason with which the lab has closed it."""
    with pytest.raises(ConnectionClosed) as closed:
        _read(page, draw=draw)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code, closed.value.rcvd.reason


def _dropped(page: Page) -> bool:
    try:
        _read(page, 0.2)
    except ConnectionClosed:
        return True
    except TimeoutError:
        pass
    return False


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
