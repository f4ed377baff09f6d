"""Browser sessions, and the one-time codes with which a logged-in browser opens another part of the lab.

Browsers send a cookie of 127.0.0.1 to each of its ports, so any program on this machine may receive the console's
cookie. Therefore a cookie opens one part only (console, MLflow, JupyterHub, Prometheus, Grafana), and a session also
has a key. The console's page gets the key at login and keeps it in its local storage, which belongs to one port. A code
needs both. A code is valid once, for one part and for CODE_SECONDS. Not protected: the cookies that JupyterHub sets are
also sent to every port.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import time
from contextlib import suppress
from pathlib import Path

SESSION_SECONDS = 12 * 3600
"""Seconds: one day in the room. `workshop status` prints the link for a new login."""
CODE_SECONDS = 30
LOGIN = "/session/login"
"""The path at which the gate of a part takes a code. Programs have pages of their own at /login."""
MOST_SESSIONS = 100
"""Sessions at the same time; the oldest ends first."""
_NONE = ("", 0.0, "")


class Sessions:
    """The sessions of one part. With `file` they survive a restart. Only digests of cookies and keys are stored."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._known: dict[str, tuple[str, float, str]] = {}
        with suppress(OSError, ValueError, TypeError):
            stored = json.loads(file.read_text()) if file else {}
            self._known = {cookie: (str(key), float(until), str(who)) for cookie, (key, until, who) in stored.items()}

    def begin(self, who: str = "") -> tuple[str, str]:
        """A new session's cookie and key. `who` is what `who` returns for its cookie."""
        cookie, key = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        now = time.time()
        self._known = {one: what for one, what in self._known.items() if what[1] > now}
        while len(self._known) >= MOST_SESSIONS:
            del self._known[next(iter(self._known))]
        self._known[_digest(cookie)] = (_digest(key), now + SESSION_SECONDS, who)
        self._save()
        return cookie, key

    def valid(self, cookie: str) -> bool:
        """Whether a cookie's session exists and has not expired."""
        _, until, _ = self._known.get(_digest(cookie), _NONE)
        return until > time.time()

    def who(self, cookie: str) -> str:
        """Whose session a cookie belongs to; only for a valid one."""
        return self._known.get(_digest(cookie), _NONE)[2]

    def has_key(self, cookie: str, key: str) -> bool:
        """Whether a key belongs to a cookie's session."""
        wanted = self._known.get(_digest(cookie), _NONE)[0]
        return self.valid(cookie) and hmac.compare_digest(wanted, _digest(key))

    def end(self, cookie: str) -> None:
        """End a session."""
        if self._known.pop(_digest(cookie), None):
            self._save()

    def _save(self) -> None:
        if self._file is None:
            return
        partial = self._file.with_suffix(".new")
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(self._known, file)
        partial.replace(self._file)


class Codes:
    """The one-time codes of one part. The sides that create and accept them share only the lab's token."""

    def __init__(self, token: str, part: str) -> None:
        self._token, self._part = token.encode(), part
        self._used: dict[str, float] = {}

    def make(self) -> str:
        """A new code."""
        content = f"{int(time.time()) + CODE_SECONDS}.{secrets.token_urlsafe(16)}"
        return f"{content}.{self._sign(content)}"

    def take(self, code: str) -> bool:
        """Whether a code is valid. Each code is accepted once."""
        content, _, signature = code.rpartition(".")
        now = time.time()
        if not hmac.compare_digest(signature.encode("utf-8", "replace"), self._sign(content).encode()):
            return False
        until = int(content.partition(".")[0])
        self._used = {one: when for one, when in self._used.items() if when > now}
        if until <= now or content in self._used:
            return False
        self._used[content] = until
        return True

    def _sign(self, content: str) -> str:
        text = f"workshop code for {self._part}: {content}".encode("utf-8", "replace")
        return hmac.new(self._token, text, hashlib.sha256).hexdigest()


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
