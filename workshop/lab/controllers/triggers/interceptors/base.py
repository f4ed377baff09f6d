"""Common parts of interceptors: the refusal, Secrets, settings, and the comparison of signatures."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

from workshop.lab.controllers.triggers.event import Event
from workshop.lab.kinds import built_in
from workshop.lab.store import Store
from workshop.manifests.triggers import SecretRef

T = TypeVar("T")


class Stopped(Exception):
    """An interceptor stops an event; `code` is the name of gRPC's status code.

    `suspicious` marks a sender that could not authenticate, in contrast to an event that a filter drops.
    """

    def __init__(self, code: str, message: str, *, suspicious: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.suspicious = suspicious

    def __str__(self) -> str:
        return f"rpc error: code = {self.code} desc = {self.message}"


class Settings(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Base of an interceptor's settings."""


class Secrets:
    """The Secrets of one namespace."""

    def __init__(self, store: Store, namespace: str) -> None:
        self._store, self._namespace = store, namespace
        self._kind = built_in("Secret")

    def get(self, ref: SecretRef, namespace: str = "") -> bytes:
        """The value of a Secret's key. Raises LookupError, whose message never contains the value."""
        secret = self._store.find(self._kind, namespace or self._namespace, ref.secret_name)
        if secret is None:
            raise LookupError(f'secrets "{ref.secret_name}" not found')
        encoded = (secret.get("data") or {}).get(ref.secret_key)
        if encoded is None:
            raise LookupError(
                f"cannot find {ref.secret_key} key in secret {namespace or self._namespace}/{ref.secret_name}"
            )
        try:
            return base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError) as e:
            raise LookupError(f"{ref.secret_key} of secret {ref.secret_name} is no base64") from e


def settings(params: dict[str, Any], type_: type[T]) -> T:
    """An interceptor's settings as their type. Raises Stopped."""
    try:
        return msgspec.convert(params, type_)
    except msgspec.ValidationError as e:
        raise Stopped("InvalidArgument", f"failed to parse interceptor params: {e}") from e


def check_type(actual: str, allowed: Sequence[str] | None) -> None:
    """Check the event's type against the list, if there is one. Raises Stopped."""
    if allowed is not None and actual not in allowed:
        raise Stopped("FailedPrecondition", f"event type {actual} is not allowed")


def secret_value(name: str, ref: SecretRef, secrets: Secrets) -> bytes:
    """The secret that a sender must know. Raises Stopped."""
    if not ref.secret_key:
        raise Stopped("FailedPrecondition", f"{name} interceptor secretRef.secretKey is empty", suspicious=True)
    try:
        return secrets.get(ref)
    except LookupError as e:
        raise Stopped("FailedPrecondition", f"error getting secret: {e}", suspicious=True) from e


def check_signature(event: Event, signature: str, secret: bytes, algorithms: Sequence[str]) -> None:
    """Compare the HMAC of the raw body with a header such as `sha256=<hex>`, in constant time. Raises Stopped."""
    algorithm, _, given = signature.partition("=")
    if algorithm not in algorithms:
        raise Stopped("FailedPrecondition", f"unknown hash type prefix: {algorithm[:16]!r}", suspicious=True)
    expected = hmac.new(secret, event.raw, getattr(hashlib, algorithm)).hexdigest()
    if not secret or not hmac.compare_digest(expected.encode(), given.strip().lower().encode()):
        raise Stopped("FailedPrecondition", "payload signature check failed", suspicious=True)
