"""Starts notebook servers of the lab's JupyterHub as the same user, in the participant's folder."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jupyterhub.spawner import LocalProcessSpawner  # type: ignore[import-untyped]
from traitlets import Unicode


class HomeSpawner(LocalProcessSpawner):  # type: ignore[misc]  # jupyterhub has no types
    """A local process that needs neither root nor a system user with the participant's name."""

    home = Unicode(config=True)

    def make_preexec_fn(self, name: str) -> Callable[[], None] | None:
        """Do nothing: the child keeps the user and the groups of the hub."""
        return None

    def user_env(self, env: dict[str, str]) -> dict[str, str]:
        """The participant's name and folder, in place of those of a system user."""
        name = self.user.name
        return {**env, "HOME": self.home, "SHELL": "/bin/bash", "USER": name, "LOGNAME": name}

    def move_certs(self, paths: Any) -> Any:
        """Leave certificates where they are: there is no other user."""
        return paths
