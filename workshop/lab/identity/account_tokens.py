"""Tokens of ServiceAccounts: JSON Web Tokens with the claims of a Kubernetes API server, signed by the lab's own key.

A token is valid until it expires and while the objects that it is bound to exist with the same uid: its
ServiceAccount always, and a Pod or a Secret if it names one (kubernetes.io, "Managing Service Accounts").
"""

from __future__ import annotations

import time
import uuid
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from workshop.lab.api_errors import NotFound
from workshop.lab.identity.users import AUTHENTICATED, User, digest
from workshop.lab.kinds import built_in
from workshop.lab.private_files import write_private
from workshop.lab.store import Store

PREFIX = "system:serviceaccount:"
GROUP = "system:serviceaccounts"
AUDIENCE = "https://kubernetes.default.svc"
"""The API server's own audience, and the issuer."""
POD_SECONDS = 365 * 24 * 3600
"""Seconds that a Pod's token is valid: a Kubernetes API server extends the token in each Pod to one year."""
_ALGORITHM = "ES256"
_MOST_CHECKED = 4096
"""Tokens whose signature was verified; the oldest is dropped first."""


@dataclass(frozen=True)
class Bound:
    """The object that a token is bound to. `kind` is Pod or Secret."""

    kind: str
    name: str
    uid: str


@dataclass(frozen=True)
class _Claims:
    """What a verified token says."""

    namespace: str
    name: str
    uid: str
    audiences: tuple[str, ...]
    expires: int
    id: str
    bound: Bound | None = None


@dataclass
class AccountTokens:
    """Issues and checks the tokens of one lab. `key` is the file of the private key, made when it is missing."""

    store: Store
    key: Path
    _checked: OrderedDict[bytes, _Claims] = field(default_factory=OrderedDict, repr=False)

    @cached_property
    def _private(self) -> ec.EllipticCurvePrivateKey:
        return _key(self.key)

    def issue(
        self,
        namespace: str,
        name: str,
        *,
        seconds: int,
        audiences: Sequence[str] = (AUDIENCE,),
        bound: Bound | None = None,
    ) -> str:
        """A token of a ServiceAccount for so many seconds. Raises NotFound."""
        account = self.store.record(built_in("ServiceAccount"), namespace, name)
        now = int(time.time())
        about: dict[str, Any] = {"namespace": namespace, "serviceaccount": {"name": name, "uid": account.uid}}
        if bound:
            about[bound.kind.lower()] = {"name": bound.name, "uid": bound.uid}
        claims = {
            "aud": list(audiences),
            "exp": now + seconds,
            "iat": now,
            "iss": AUDIENCE,
            "jti": str(uuid.uuid4()),
            "kubernetes.io": about,
            "nbf": now,
            "sub": f"{PREFIX}{namespace}:{name}",
        }
        return jwt.encode(claims, self._private, algorithm=_ALGORITHM, headers={"kid": "lab"})

    def find(self, token: str, audiences: Sequence[str] = (AUDIENCE,)) -> tuple[User, tuple[str, ...]] | None:
        """The user of a token and those of the audiences that it is for; None for a token that is not valid."""
        claims = self._claims(token)
        if claims is None or claims.expires <= time.time() or not self._exist(claims):
            return None
        fitting = tuple(one for one in audiences if one in claims.audiences)
        if not fitting:
            return None
        extra = {"authentication.kubernetes.io/credential-id": (f"JTI={claims.id}",)}
        if claims.bound and claims.bound.kind == "Pod":
            extra["authentication.kubernetes.io/pod-name"] = (claims.bound.name,)
            extra["authentication.kubernetes.io/pod-uid"] = (claims.bound.uid,)
        return account_user(claims.namespace, claims.name, uid=claims.uid, extra=extra), fitting

    def _claims(self, token: str) -> _Claims | None:
        key = digest(token)
        if found := self._checked.get(key):
            return found
        if token.count(".") != 2:
            return None
        try:
            claims = jwt.decode(
                token,
                self._private.public_key(),
                algorithms=[_ALGORITHM],
                issuer=AUDIENCE,
                options={"verify_aud": False, "require": ["aud", "exp", "iss", "sub"]},
            )
            about = claims["kubernetes.io"]
            account = about["serviceaccount"]
            bound = next(
                (
                    Bound(kind, about[kind.lower()]["name"], about[kind.lower()]["uid"])
                    for kind in ("Pod", "Secret")
                    if kind.lower() in about
                ),
                None,
            )
            said = claims["aud"]
            audiences = (said,) if isinstance(said, str) else tuple(said)
            found = _Claims(
                about["namespace"], account["name"], account["uid"], audiences, claims["exp"], claims["jti"], bound
            )
        except (jwt.PyJWTError, KeyError, TypeError):
            return None
        self._checked[key] = found
        while len(self._checked) > _MOST_CHECKED:
            self._checked.popitem(last=False)
        return found

    def _exist(self, claims: _Claims) -> bool:
        """Whether the account and the bound object are those that the token was issued for."""
        wanted = [("ServiceAccount", claims.name, claims.uid)]
        if claims.bound:
            wanted.append((claims.bound.kind, claims.bound.name, claims.bound.uid))
        try:
            return all(
                self.store.record(built_in(kind), claims.namespace, name).uid == uid for kind, name, uid in wanted
            )
        except NotFound:
            return False


def account_user(
    namespace: str, name: str, *, uid: str = "", extra: Mapping[str, tuple[str, ...]] | None = None
) -> User:
    """The user that a ServiceAccount is."""
    groups = (GROUP, f"{GROUP}:{namespace}", AUTHENTICATED)
    return User(f"{PREFIX}{namespace}:{name}", groups, uid, extra or {})


def account_of(user: str) -> tuple[str, str] | None:
    """Namespace and name of the ServiceAccount that a user name means, or None."""
    parts = user.removeprefix(PREFIX).split(":") if user.startswith(PREFIX) else []
    return (parts[0], parts[1]) if len(parts) == 2 and all(parts) else None


def _key(file: Path) -> ec.EllipticCurvePrivateKey:
    """The private key in a file; a new one when it is missing. Raises OSError, ValueError."""
    if file.exists():
        found = serialization.load_pem_private_key(file.read_bytes(), password=None)
        if isinstance(found, ec.EllipticCurvePrivateKey):
            return found
    made = ec.generate_private_key(ec.SECP256R1())
    pem = serialization.Encoding.PEM
    write_private(file, made.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return made
