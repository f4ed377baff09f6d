"""What a validation finds, in the form and order in which Tekton's webhook prints it.

The webhook gathers everything it finds, joins the fields that share a message, and sorts by message.
"""

from __future__ import annotations

from workshop.lab.api_errors import BadRequest
from workshop.manifests.tekton.config import SHIPPED, Config, Stability

_DENIED = 'admission webhook "validation.webhook.pipeline.tekton.dev" denied the request: validation failed: '


class Denied(BadRequest):
    """What a webhook refuses; `found` has each finding with its fields."""

    def __init__(self, start: str, found: Findings) -> None:
        super().__init__(start + found.text())
        self.found = found


class Findings:
    """Gathers messages with the paths of the fields they are about. `config` is that of the cluster."""

    def __init__(self, config: Config = SHIPPED) -> None:
        self.flags, self.defaults = config.flags, config.defaults
        self._found: dict[tuple[str, str], list[str]] = {}

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(self, message: str, *paths: str, details: str = "") -> None:
        """Note one finding; the same message for another field joins it."""
        known = self._found.setdefault((message, details), [])
        known += [path for path in paths if path not in known]

    def invalid(self, value: object, path: str) -> None:
        """A value that is not allowed."""
        self.add(f"invalid value: {value}", path)

    def missing(self, *paths: str) -> None:
        """A field that must be there."""
        self.add("missing field(s)", *paths)

    def both(self, *paths: str) -> None:
        """Fields of which only one may be there, or a name that is there twice."""
        self.add("expected exactly one, got both", *paths)

    def neither(self, *paths: str) -> None:
        """Fields of which one must be there."""
        self.add("expected exactly one, got neither", *paths)

    def needs(self, feature: str, wanted: Stability) -> bool:
        """Whether the API fields of a stability are on; if not, that is noted. The webhook names no field here."""
        message = self.flags.needs(feature, wanted)
        if message:
            self.add(message, "")
        return not message

    def disallowed(self, path: str) -> None:
        """A field that must not be there."""
        self.add("must not set the field(s)", path)

    def items(self) -> list[tuple[str, list[str]]]:
        """Each message with its paths."""
        return [(message, list(paths)) for (message, _), paths in self._found.items()]

    def text(self) -> str:
        """All findings, one a line."""
        lines = []
        for (message, details), paths in sorted(self._found.items()):
            line = f"{message}: {', '.join(sorted(paths))}"
            lines.append(f"{line}\n{details}" if details else line)
        return "\n".join(lines)

    def raise_any(self) -> None:
        """Raise Denied with all findings, if there are any."""
        if self._found:
            raise Denied(_DENIED, self)


def at(*parts: str | int) -> str:
    """A field's path: `at("spec", "tasks", 0, "name")` is spec.tasks[0].name; empty parts are left out."""
    path = ""
    for part in parts:
        if isinstance(part, int):
            path += f"[{part}]"
        elif part.startswith("["):
            path += part
        elif part:
            path += f".{part}" if path else part
    return path
