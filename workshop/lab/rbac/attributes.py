"""The attributes of a request that authorization decides on, and the message of a request that is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from workshop.lab.api_errors import Forbidden
from workshop.lab.identity.users import User


@dataclass(frozen=True)
class Attributes:
    """A verb on a resource, or on a path outside of the resources.

    `resource` has the subresource: `pods/log`. A request for a Namespace has its name as `namespace` too, so that a
    RoleBinding in the namespace may grant it.
    """

    verb: str
    group: str = ""
    resource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""

    def said(self, user: User) -> str:
        """What the user wants and cannot do, in the API server's words."""
        if self.path:
            return f'User "{user.name}" cannot {self.verb} path "{self.path}"'
        where = f'in the namespace "{self.namespace}"' if self.namespace else "at the cluster scope"
        return f'User "{user.name}" cannot {self.verb} resource "{self.resource}" in API group "{self.group}" {where}'

    def forbidden(self, user: User, reason: str = "") -> Forbidden:
        """The error of a request that is not allowed."""
        why = self.said(user) + (f": {reason}" if reason else "")
        return refused(self.group, self.resource.partition("/")[0], self.name, why)


def refused(group: str, resource: str, name: str, why: str) -> Forbidden:
    """A Forbidden error about a resource, or about a path when `resource` is empty."""
    title = f"{resource}.{group}" if group else resource
    named = f'{title} "{name}" is forbidden' if name else f"{title} is forbidden"
    details: dict[str, Any] = {"name": name, "group": group, "kind": resource}
    return Forbidden(
        f"{named if resource else 'forbidden'}: {why}", details={key: value for key, value in details.items() if value}
    )
