"""A lab's pages with shells behind them, and a page's end of the WebSocket."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.workshop.lab.pages.fixtures import TOKEN, Served, lab_of, served
from workshop.lab.pages.auth import TERMINAL
from workshop.lab.pages.terminal import Shells
from workshop.lab.process_environment import SHELL_RC
from workshop.lab.runtimes.process.launcher import Launcher
from workshop.lab.sessions import Codes

PASTING = "\x1b[?2004h"
"""Readline asks for pasted text in brackets, before it shows the prompt."""
PROMPT = b"\x1b]133;A\x07"


@dataclass(frozen=True)
class Lab:
    """Pages that are served, and the shells behind them."""

    served: Served
    shells: Shells

    def close(self) -> None:
        """End the shells, as the lab does when it stops."""
        asyncio.run_coroutine_threadsafe(self.shells.close(), self.served.loop).result(20)

    def cookie(self) -> str:
        """The cookie of a new session."""
        body = json.dumps({"token": TOKEN}).encode()
        sent = {"Origin": self.served.url, "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.served.url}/login", body, sent)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return str(answer.headers["Set-Cookie"]).partition(";")[0]

    def attach(self, number: int = 1, headers: Mapping[str, str] | None = None) -> Page:
        """Open the WebSocket as the lab's own page does; `headers` replace its own, an empty one is left out."""
        own = {"Cookie": self.cookie(), "Origin": self.served.url}
        sent = {name: value for name, value in {**own, **(headers or {})}.items() if value}
        address = (
            f"ws{self.served.url.removeprefix('http')}/guide/terminal/{number}?code={Codes(TOKEN, TERMINAL).make()}"
        )
        return Page(connect(address, additional_headers=sent, max_size=None, open_timeout=20, legacy=True))


class Page:
    """A page that draws what it gets at once, unless it is asked not to."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.seen = b""
        self.earlier = json.loads(socket.recv(20))["earlier"]

    def say(self, **message: Any) -> None:
        """Send a message."""
        self.socket.send(json.dumps(message))

    def type(self, text: str) -> None:
        """Press keys."""
        self.say(type="type", text=text)

    def take(self, seconds: float = 20, *, draw: bool = True) -> bytes:
        """The next output. Raises TimeoutError, and ConnectionClosed when there is no more."""
        data = self.socket.recv(seconds)
        assert isinstance(data, bytes)
        self.seen += data
        if draw:
            # The shell may have ended since.
            with suppress(ConnectionClosed):
                self.say(type="drawn", bytes=len(data))
        return data

    def until(self, text: bytes, after: int = 0) -> int:
        """Read on until the output has the text beyond an offset; the offset behind it."""
        while (at := self.seen.find(text, after)) < 0:
            self.take()
        return at + len(text)

    def cut(self, text: bytes) -> None:
        """Read on until the output has the text, and forget what came before its end."""
        end = self.until(text)
        self.seen = self.seen[end:]

    def start(self, command: str) -> None:
        """Wait for the prompt and start a command; from here on `seen` is what it prints."""
        self.cut(PROMPT)
        self.type(f"{command}\r")
        self.cut(b"\x1b]133;C\x07")

    def run(self, command: str) -> str:
        """Run a command and return what it printed up to the next prompt."""
        self.start(command)
        ended = self.until(PROMPT)
        text = self.seen[: ended - len(PROMPT)].decode()
        self.seen = self.seen[ended - len(PROMPT) :]
        return text.removesuffix(PASTING)


@contextmanager
def terminals(folder: Path, *command: str) -> Iterator[Lab]:
    """Serve pages with shells: of the participant's bash, or of another command."""
    run = folder / "run"
    run.mkdir(parents=True)
    launcher = Launcher(run)
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C.UTF-8"}
    bash = (str(shutil.which("bash")), "--rcfile", str(SHELL_RC))
    shells = Shells(launcher, command or bash, lambda: env, folder, run / "terminals.log")
    with served(lab_of(folder), gate=True, shells=shells) as lab:
        asyncio.run_coroutine_threadsafe(launcher.open(), lab.loop).result(20)
        made = Lab(lab, shells)
        try:
            yield made
        finally:
            made.close()
            asyncio.run_coroutine_threadsafe(launcher.close(), lab.loop).result(20)
