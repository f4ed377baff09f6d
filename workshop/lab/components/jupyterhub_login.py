"""Who may use the lab's JupyterHub: the one participant, by the lab's token."""

from __future__ import annotations

import hmac
from typing import Any

from jupyterhub.auth import Authenticator  # type: ignore[import-untyped]
from jupyterhub.handlers.login import LoginHandler  # type: ignore[import-untyped]
from traitlets import Unicode

from workshop.lab.pages.auth import COOKIE, session_value


class TokenAuthenticator(Authenticator):  # type: ignore[misc]  # jupyterhub has no types
    """The token is the password; who comes from the lab's console has its cookie and is let in at once."""

    token = Unicode(config=True)
    participant = Unicode(config=True)

    async def authenticate(self, handler: Any, data: dict[str, str]) -> str | None:
        """The participant's name when the password is the token, else None."""
        given = data.get("password", "").strip()
        if data.get("username") == self.participant and _same(given, self.token):
            return str(self.participant)
        return None

    def get_handlers(self, app: Any) -> list[tuple[str, type]]:
        """The login page that knows the console's cookie."""
        return [("/login", ConsoleLogin)]


class ConsoleLogin(LoginHandler):  # type: ignore[misc]
    """The login form, skipped for a browser that has logged in to the console."""

    async def get(self) -> None:
        """Let the console's cookie in, else show the form."""
        authenticator = self.authenticator
        if self.current_user is None and _same(self.get_cookie(COOKIE, ""), session_value(authenticator.token)):
            user = await self.auth_to_user({"name": authenticator.participant, "auth_state": None, "admin": False})
            self.set_login_cookie(user)
            self.redirect(self.get_next_url(user), permanent=False)
            return
        await super().get()

    def _render(self, login_error: str | None = None, username: str | None = None, **more: Any) -> Any:
        return super()._render(login_error=login_error, username=username or self.authenticator.participant, **more)


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())
