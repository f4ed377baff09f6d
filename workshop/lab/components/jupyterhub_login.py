"""Authentication of the lab's JupyterHub: one participant, with the lab's token or a one-time code from the console."""

from __future__ import annotations

import hmac
from typing import Any
from urllib.parse import quote

from jupyterhub.auth import Authenticator  # type: ignore[import-untyped]
from jupyterhub.handlers.login import LoginHandler  # type: ignore[import-untyped]
from traitlets import Any as AnyTrait
from traitlets import Unicode, default

from workshop.lab.sessions import Codes


class TokenAuthenticator(Authenticator):  # type: ignore[misc]  # jupyterhub has no types
    """The password is the token. A browser that is logged in at the console comes with a one-time code."""

    token = Unicode(config=True)
    console = Unicode(config=True)
    participant = Unicode(config=True)

    @default("codes")
    def _codes(self) -> Codes:
        return Codes(self.token, "jupyterhub")

    codes = AnyTrait()

    async def authenticate(self, handler: Any, data: dict[str, str]) -> str | None:
        """The participant's name if the password is the token, else None."""
        given = data.get("password", "").strip()
        if data.get("username") == self.participant and _same(given, self.token):
            return str(self.participant)
        return None

    def get_handlers(self, app: Any) -> list[tuple[str, type]]:
        """The login page, which also accepts the console's cookie."""
        return [("/login", ConsoleLogin)]


class ConsoleLogin(LoginHandler):  # type: ignore[misc]
    """The login page. It takes a code or redirects the browser to the console for one.

    The form is for invalid codes.
    """

    async def get(self) -> None:
        """Log in with a valid code. Without a code, fetch one."""
        authenticator, code = self.authenticator, self.get_argument("code", "")
        if self.current_user is None and code and authenticator.codes.take(code):
            user = await self.auth_to_user({"name": authenticator.participant, "auth_state": None, "admin": False})
            self.set_login_cookie(user)
            self.redirect(self.get_next_url(user), permanent=False)
            return
        if self.current_user is None and not code and authenticator.console:
            back = quote(self.get_argument("next", "/"), safe="")
            self.redirect(f"{authenticator.console}/open/jupyterhub?next={back}", permanent=False)
            return
        await super().get()

    def _render(self, login_error: str | None = None, username: str | None = None, **more: Any) -> Any:
        return super()._render(login_error=login_error, username=username or self.authenticator.participant, **more)


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode())
