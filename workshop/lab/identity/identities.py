"""The identities of a lab: from the token of a request to its user."""

from __future__ import annotations

from dataclasses import dataclass

from workshop.lab.identity.account_tokens import AccountTokens
from workshop.lab.identity.users import User, Users


@dataclass(frozen=True)
class Identities:
    """The people of a lab and the tokens of its ServiceAccounts."""

    users: Users
    accounts: AccountTokens

    def of(self, header: str) -> User | None:
        """The user of an Authorization header; None when it has no valid token for the API server."""
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not (token := token.strip()):
            return None
        if found := self.users.find(token):
            return found
        account = self.accounts.find(token)
        return account[0] if account else None
