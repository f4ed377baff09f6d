"""The errors of the server, and their JSON in each protocol.

    Exception
     ├── ServingError    an answer to one request: HTTP status, Seldon's reason, text, extra headers
     └── StartError      the process cannot start: one line for the operator, exit code 1

A traceback never reaches a caller; it goes to the log with the request's identifier.
"""

from collections.abc import Mapping

BAD_DATA = "MICROSERVICE_BAD_DATA"
INTERNAL = "MICROSERVICE_INTERNAL_ERROR"


class ServingError(Exception):
    """A refused request. ``info`` says what was sent and what is allowed.

    Make a new one for each request: an exception keeps the frames of every raise.
    """

    def __init__(
        self, status: int, info: str, *, reason: str = BAD_DATA, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(info)
        self.status = status
        self.info = info
        self.reason = reason
        self.headers = dict(headers or {})


class StartError(Exception):
    """The model or the environment cannot be served."""


def seldon_error(error: ServingError) -> dict[str, object]:
    """Seldon's error object; its wrapper always sends status 1 and code -1."""
    return {"status": {"status": 1, "info": error.info, "code": -1, "reason": error.reason}}


def oip_error(error: ServingError) -> dict[str, object]:
    """The Open Inference Protocol's error object."""
    return {"error": error.info}


def shown(value: object, limit: int = 60) -> str:
    """A caller's value in an error text: JSON's names for types, cut after ``limit`` characters."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, dict):
        return f"an object with {len(value)} keys"
    text = f'"{value}"' if isinstance(value, str) else repr(value)
    return text if len(text) <= limit else text[:limit] + "..."
