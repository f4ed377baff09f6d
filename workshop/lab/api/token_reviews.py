"""Tokens of ServiceAccounts: `oc create token` makes one, and a TokenReview says whose a token is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from workshop.lab.api.context import Api
from workshop.lab.api.request import Target
from workshop.lab.api.review import Review, part, text, texts
from workshop.lab.api_errors import ApiError, Conflict, Invalid
from workshop.lab.identity.account_tokens import AUDIENCE, Bound
from workshop.lab.identity.users import User
from workshop.lab.kinds import built_in
from workshop.manifests.objects import Object

TOKEN_REQUEST = "TokenRequest"  # noqa: S105
_DEFAULT_SECONDS = 3600
_LEAST_SECONDS, _MOST_SECONDS = 600, 2**32
_BOUND = ("Pod", "Secret")


def user_info(user: User) -> Object:
    """A user as reviews show them."""
    found: Object = {"username": user.name}
    if user.uid:
        found["uid"] = user.uid
    found["groups"] = list(user.groups)
    if user.extra:
        found["extra"] = {key: list(values) for key, values in user.extra.items()}
    return found


def review(asked: Review) -> Object:
    """A TokenReview."""
    token, audiences = text(asked.spec, "token"), texts(asked.spec, "audiences")
    if not token:
        raise ApiError("Internal error occurred: token is required for TokenReview in authentication")
    identities = asked.api.lab.identities
    if person := identities.users.find(token):
        return asked.answered({"authenticated": True, "user": user_info(person), "audiences": [AUDIENCE]})
    found = identities.accounts.find(token, audiences or (AUDIENCE,))
    if found is None:
        return asked.answered({"user": {}, "error": "invalid bearer token"})
    user, fitting = found
    return asked.answered({"authenticated": True, "user": user_info(user), "audiences": list(fitting)})


def request_token(api: Api, target: Target, asked: Object) -> Object:
    """A TokenRequest for the ServiceAccount `target.name`. Raises NotFound, Invalid, Conflict."""
    spec = part(asked, "spec")
    seconds = spec.get("expirationSeconds")
    if seconds is None:
        seconds = _DEFAULT_SECONDS
    if not isinstance(seconds, int) or isinstance(seconds, bool) or seconds < _LEAST_SECONDS:
        raise _invalid(
            "spec.expirationSeconds", f"Invalid value: {seconds}: may not specify a duration less than 10 minutes"
        )
    if seconds > _MOST_SECONDS:
        raise _invalid("spec.expirationSeconds", f"Too long: may not be more than {_MOST_SECONDS}")
    audiences = texts(spec, "audiences") or (AUDIENCE,)
    bound = _bound(api, target, part(spec, "boundObjectRef"))
    accounts = api.lab.identities.accounts
    token = accounts.issue(target.namespace, target.name, seconds=seconds, audiences=audiences, bound=bound)
    expires = datetime.now(UTC) + timedelta(seconds=seconds)
    meta = {"name": target.name, "namespace": target.namespace, "creationTimestamp": None}
    shown = {"audiences": list(audiences), "expirationSeconds": seconds, "boundObjectRef": spec.get("boundObjectRef")}
    return {
        "kind": TOKEN_REQUEST,
        "apiVersion": "authentication.k8s.io/v1",
        "metadata": meta,
        "spec": shown,
        "status": {"token": token, "expirationTimestamp": expires.strftime("%Y-%m-%dT%H:%M:%SZ")},
    }


def _bound(api: Api, target: Target, ref: Object) -> Bound | None:
    """The object of a `boundObjectRef`. Raises NotFound, Invalid, Conflict."""
    if not ref:
        return None
    kind, name, uid = text(ref, "kind"), text(ref, "name"), text(ref, "uid")
    if kind not in _BOUND:
        raise _invalid("spec.boundObjectRef", f'Invalid value: "{kind}": cannot bind token for type {kind} object')
    found = api.store.record(built_in(kind), target.namespace, name)
    if uid and uid != found.uid:
        plural = built_in(kind).plural
        raise Conflict(
            f'Operation cannot be fulfilled on {plural} "{name}": the UID in the bound object reference ({uid}) does '
            f"not match the UID in record. The object might have been deleted and then recreated"
        )
    return Bound(kind, name, found.uid)


def _invalid(field: str, cause: str) -> Invalid:
    return Invalid(f'TokenRequest.authentication.k8s.io "" is invalid: {field}: {cause}', details={})
