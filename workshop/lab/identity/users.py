"""The people of a lab: a table of users with their groups and tokens, in one file that only its owner can read.

The lab's participants and the administrator `system:admin` are always in the table. An entry for another person is a
name, groups and a token; the lab reads the table when it starts.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from workshop.errors import SetupError
from workshop.lab.private_files import write_private

AUTHENTICATED = "system:authenticated"
UNAUTHENTICATED = "system:unauthenticated"
OAUTH = "system:authenticated:oauth"
"""The group of people who log in through OpenShift's OAuth server. ServiceAccounts are not in it."""
MASTERS = "system:masters"
"""The group that the API server always allows everything (kubernetes.io, "Using RBAC authorization")."""
ADMINISTRATOR = "system:admin"
"""The user of the kubeconfig that OpenShift's installer writes."""
ANONYMOUS = "system:anonymous"
PARTICIPANTS = "mlops-workshop"
"""The group of everybody in the room; a promotion's approvers name it."""


@dataclass(frozen=True)
class User:
    """The sender of a request, as `kubectl auth whoami` shows them."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict, compare=False, hash=False)

    @property
    def is_master(self) -> bool:
        """Whether the user may do everything, whatever the roles say."""
        return MASTERS in self.groups


def person(name: str, *groups: str) -> User:
    """A user who logged in: with the groups of everybody who did."""
    return User(name, (*dict.fromkeys((*groups, OAUTH, AUTHENTICATED)),))


class Users:
    """The table: users by token."""

    def __init__(self, file: Path, entries: Mapping[str, tuple[User, str]]) -> None:
        self._file = file
        self._entries = dict(entries)
        self._by_digest = {digest(token): user for user, token in entries.values()}

    @classmethod
    def read(cls, file: Path) -> Users:
        """The table in a file; empty without the file. Raises SetupError when it is not a table."""
        try:
            content = orjson.loads(file.read_bytes()) if file.exists() else {}
            entries = {
                name: (User(name, tuple(map(str, one["groups"]))), str(one["token"])) for name, one in content.items()
            }
        except (ValueError, TypeError, KeyError, AttributeError) as e:
            raise SetupError(
                f"{file}: is not a table of users: {e}", hint=f"delete it: {file} is made again at the next workshop up"
            ) from e
        return cls(file, entries)

    def ensure(self, people: Iterable[User]) -> Users:
        """The table with these people, each with the token that they have, else a new one."""
        entries = dict(self._entries)
        for user in people:
            _, old = entries.get(user.name, (user, ""))
            entries[user.name] = (user, old or secrets.token_urlsafe(32))
        return Users(self._file, entries)

    def without(self, names: Iterable[str]) -> Users:
        """The table without these people: their tokens are not valid any more."""
        gone = set(names)
        return Users(self._file, {name: entry for name, entry in self._entries.items() if name not in gone})

    def save(self) -> None:
        """Write the table to its file. Raises OSError."""
        content = {name: {"groups": list(user.groups), "token": token} for name, (user, token) in self._entries.items()}
        write_private(self._file, orjson.dumps(content, option=orjson.OPT_INDENT_2) + b"\n")

    def find(self, token: str) -> User | None:
        """The user of a token, or None. Only digests are compared, so that the time says nothing about a token."""
        return self._by_digest.get(digest(token))

    def named(self, name: str) -> User | None:
        """The user of a name, or None."""
        return self._entries[name][0] if name in self._entries else None

    def token(self, name: str) -> str:
        """A user's token. Raises KeyError."""
        return self._entries[name][1]

    def names(self) -> list[str]:
        """The names in the table, sorted."""
        return sorted(self._entries)


def digest(secret: str) -> bytes:
    """The SHA-256 of a token."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()
