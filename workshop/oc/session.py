"""What every verb gets: the server, the namespace that is meant, and where to print."""

from __future__ import annotations

import sys
from functools import cached_property
from typing import TextIO

from workshop.cluster import config as configs
from workshop.cluster.client import Client
from workshop.oc.flags import Words

MANAGER = "kubectl"


class Session:
    """One run of one command."""

    def __init__(self, words: Words, out: TextIO | None = None, err: TextIO | None = None) -> None:
        self.words = words
        self.out = out or sys.stdout
        self.err = err or sys.stderr
        self._warned: set[str] = set()

    @cached_property
    def client(self) -> Client:
        """The server. Raises EnvironmentFault."""
        client = Client(self.config, agent="oc/workshop")
        client.http.warn = self._warn_once
        return client

    def _warn_once(self, text: str) -> None:
        if text not in self._warned:
            self._warned.add(text)
            self.warn(f"Warning: {text}")

    @cached_property
    def config(self) -> configs.Config:
        """Which server, as whom, with the namespace of `-n`. Raises EnvironmentFault."""
        found = configs.find(self.words.text("kubeconfig") or None, context=self.words.text("context"))
        return configs.with_namespace(found, self.words.text("namespace"))

    @property
    def namespace(self) -> str:
        return self.config.namespace

    def say(self, text: str = "") -> None:
        """Print a line."""
        print(text, file=self.out)

    def warn(self, text: str) -> None:
        """Print a line on standard error."""
        print(text, file=self.err)
