"""How the lab's JupyterHub starts a notebook server: as the same user, in the participant's folder."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jupyterhub.spawner import LocalProcessSpawner  # type: ignore[import-untyped]
from traitlets import Unicode


class HomeSpawner(LocalProcessSpawner):  # type: ignore[misc]  # jupyterhub has no types
    """A local process that needs neither root nor a system user of the participant's name."""

    home = Unicode(config=True)

    def make_preexec_fn(self, name: str) -> Callable[[], None] | None:
        """Nothing to do in the child: it keeps the user and the groups of the hub."""
        return None

    def user_env(self, env: dict[str, str]) -> dict[str, str]:
        """The participant's name and folder instead of those of a system user."""
        return {**env, "HOME": self.home, "SHELL": "/bin/bash", "USER": self.user.name}

    def move_certs(self, paths: Any) -> Any:
        """Certificates stay where they are: there is no other user to give them to."""
        return paths
