"""The user of a request, and what authorization decides on: verb, resource, namespace and name, or a path.

The attributes are those of a Kubernetes API server (`endpoints/request/requestinfo.go` of k8s.io/apiserver), and so are
the rules of impersonation (`endpoints/filters/impersonation.go`).
"""

from __future__ import annotations

from starlette.requests import Request

from workshop.lab.api.context import Api
from workshop.lab.api.request import ApiPath, is_watch
from workshop.lab.api.selecting import selected_name
from workshop.lab.api_errors import ApiError, Unauthorized
from workshop.lab.identity.account_tokens import account_of, account_user
from workshop.lab.identity.users import ANONYMOUS, AUTHENTICATED, UNAUTHENTICATED, User
from workshop.lab.rbac.attributes import Attributes

_VERBS = {"POST": "create", "GET": "get", "HEAD": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_MANY = {"get": "list", "delete": "deletecollection"}
_ITS_OWN_NAMESPACE = (("", "namespaces"), ("project.openshift.io", "projects"))
"""Resources whose name is also the namespace of a request for one of them."""
_EXTRA = "impersonate-extra-"


def user_of(api: Api, request: Request) -> User:
    """The user of the token, or the one whom they impersonate. Raises Unauthorized, Forbidden."""
    user = api.lab.identities.of(request.headers.get("authorization", ""))
    if user is None:
        raise Unauthorized("Unauthorized")
    return _impersonated(api, request, user)


def attributes(request: Request, where: ApiPath | None) -> Attributes:
    """What the request asks for. `where` is None for a path outside of the resources."""
    verb = _VERBS.get(request.method, request.method.lower())
    if where is None or not where.plural:
        return Attributes(request.method.lower() if request.method != "HEAD" else "get", path=request.url.path)
    name = where.name
    if not name and verb in _MANY:
        name = selected_name(request.query_params.get("fieldSelector", ""))
        verb = _MANY[verb]
    if verb in ("get", "list") and is_watch(request.query_params) and not where.subresource:
        verb = "watch"
    namespace = where.namespace or ""
    if (where.group, where.plural) in _ITS_OWN_NAMESPACE:
        namespace = where.name
    resource = f"{where.plural}/{where.subresource}" if where.subresource else where.plural
    return Attributes(verb, where.group, resource, namespace, name)


def _impersonated(api: Api, request: Request, user: User) -> User:
    """The user of the Impersonate headers, if there are any and the sender may. Raises Forbidden, ApiError."""
    headers = request.headers
    name, uid = headers.get("impersonate-user", ""), headers.get("impersonate-uid", "")
    groups = tuple(headers.getlist("impersonate-group"))
    extra: dict[str, tuple[str, ...]] = {}
    for key, value in headers.items():
        if key.startswith(_EXTRA):
            extra[key.removeprefix(_EXTRA)] = (*extra.get(key.removeprefix(_EXTRA), ()), value)
    if not name:
        if groups or uid or extra:
            raise ApiError("Internal error occurred: requested groups, uid or extra without impersonating a user")
        return user
    account = account_of(name)
    wanted = [
        Attributes("impersonate", "", "serviceaccounts", *account)
        if account
        else Attributes("impersonate", "", "users", name=name),
        *(Attributes("impersonate", "", "groups", name=group) for group in groups),
        *(Attributes("impersonate", "authentication.k8s.io", "uids", name=one) for one in (uid,) if one),
        *(
            Attributes("impersonate", "authentication.k8s.io", f"userextras/{key}", name=value)
            for key, values in extra.items()
            for value in values
        ),
    ]
    for one in wanted:
        api.policy.check(user, one)
    if account and not groups:
        groups = account_user(*account).groups
    elif name == ANONYMOUS:
        groups = groups or (UNAUTHENTICATED,)
    elif AUTHENTICATED not in groups and UNAUTHENTICATED not in groups:
        groups = (*groups, AUTHENTICATED)
    return User(name, groups, uid, extra)
