"""Errors as kubectl prints them."""

from __future__ import annotations

from workshop.cluster.client import ApiFailure


class Failed(Exception):
    """The command has failed; the message is printed as it stands after `error: `."""


class Quiet(Exception):
    """The command has failed and said why already."""


def told(error: ApiFailure, doing: str = "") -> str:
    """What kubectl says of a server's error; `doing` is what was tried, such as `error when creating "a.yaml"`."""
    prefix = f"{doing}: " if doing else ""
    if error.reason == "Invalid":
        causes = error.details.get("causes") or []
        lines = [
            f"{one.get('field')}: {one.get('message')}" if one.get("field") else str(one.get("message"))
            for one in causes
        ]
        kind, name = error.details.get("kind"), error.details.get("name", "")
        if not lines:
            return f'The {kind} "{name}" is invalid' if kind or name else f"The request is invalid: {error.message}"
        about = f'The {kind} "{name}" is invalid' if kind or name else "The request is invalid"
        return f"{about}: {lines[0]}" if len(lines) == 1 else about + ": \n" + "\n".join(f"* {one}" for one in lines)
    if error.reason == "Unauthorized":
        return "error: You must be logged in to the server (Unauthorized)"
    if error.reason == "NotFound" and not error.details and not doing:
        return f"error: {error.message}"
    reason = f" ({error.reason})" if error.reason else ""
    return f"Error from server{reason}: {prefix}{error.message}"
