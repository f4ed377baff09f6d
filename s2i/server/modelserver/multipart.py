"""A message as ``multipart/form-data``: one part for each key of a SeldonMessage.

The rules are those of Seldon's wrapper (1.17.1): ``strData`` is text, ``binData`` may be a file, any other part is
JSON. Source of the format: RFC 7578.
"""

import base64
from collections.abc import Iterator
from email.message import Message

from modelserver import jsontext
from modelserver.errors import ServingError, shown

CONTENT_TYPE = "multipart/form-data"
MAX_PARTS = 20


def message(body: bytes, boundary: bytes) -> dict[str, object]:
    """The SeldonMessage of a form's parts; of several with one name, the first counts. Raises ``ServingError`` 400."""
    found: dict[str, object] = {}
    for name, is_file, value in _parts(body, boundary):
        if name not in found:
            found[name] = _value(name, is_file, value)
    return found


def _value(name: str, is_file: bool, value: bytes) -> object:
    if name == "strData":
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            raise ServingError(400, f"the part strData is not UTF-8: {error.reason}") from error
    if not is_file:
        return jsontext.load(value, f"the part {shown(name)}")
    if name == "binData":
        return base64.b64encode(value).decode("ascii")
    raise ServingError(400, f"the part {shown(name)} is a file; allowed as files: binData and strData")


def _parts(body: bytes, boundary: bytes) -> Iterator[tuple[str, bool, bytes]]:
    """Name, whether it is a file, and content of each part."""
    if not boundary:
        raise ServingError(400, f"the content type {CONTENT_TYPE} has no boundary")
    _, *parts = (b"\r\n" + body).split(b"\r\n--" + boundary)
    if not parts or not parts[-1].startswith(b"--"):
        raise ServingError(400, "the form is not complete: its last boundary is missing")
    if len(parts) - 1 > MAX_PARTS:
        raise ServingError(400, f"the form has {len(parts) - 1} parts; at most {MAX_PARTS} are allowed")
    for part in parts[:-1]:
        head, blank, content = part.lstrip(b" \t").removeprefix(b"\r\n").partition(b"\r\n\r\n")
        header = Message()
        for line in head.decode("utf-8", "replace").split("\r\n"):
            key, _, value = line.partition(":")
            if key.lower() == "content-disposition":
                header["content-disposition"] = value.strip()
        name = header.get_param("name", header="content-disposition")
        if not blank or not isinstance(name, str):
            raise ServingError(400, "a part of the form has no name")
        yield name, header.get_param("filename", header="content-disposition") is not None, content
