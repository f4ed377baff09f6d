"""Just enough protobuf to read the reviews that kubectl and oc send in it.

A message is read into lists of raw values by field number; the callers know the numbers, which are those of
Kubernetes' published .proto files. Nothing is written: clients accept JSON as the answer.
"""

from __future__ import annotations

MAGIC = b"k8s\x00"
"""What Kubernetes puts before a protobuf body; after it comes `runtime.Unknown`, whose field 2 is the object."""

Message = dict[int, list[bytes]]


class ProtobufError(ValueError):
    """The bytes are no message."""


def parse(raw: bytes) -> Message:
    """The length-delimited fields of a message; numbers are skipped. Raises ProtobufError."""
    found: Message = {}
    at = 0
    while at < len(raw):
        tag, at = _varint(raw, at)
        number, wire = tag >> 3, tag & 7
        if wire == 2:
            length, at = _varint(raw, at)
            if at + length > len(raw):
                raise ProtobufError("a field is longer than its message")
            found.setdefault(number, []).append(raw[at:at + length])
            at += length
        elif wire == 0:
            _, at = _varint(raw, at)
        elif wire in (1, 5):
            at += 8 if wire == 1 else 4
        else:
            raise ProtobufError(f"wire type {wire} is not known")
    return found


def unwrap(raw: bytes) -> Message:
    """The object inside a Kubernetes protobuf body. Raises ProtobufError."""
    if not raw.startswith(MAGIC):
        raise ProtobufError("the body does not begin as Kubernetes' protobuf does")
    return parse(parse(raw[len(MAGIC):]).get(2, [b""])[0])


def message(parent: Message, number: int) -> Message:
    """A field that is a message; an empty one when it is not there."""
    return parse(parent.get(number, [b""])[-1])


def text(parent: Message, number: int) -> str:
    """A field that is a string; empty when it is not there."""
    return parent.get(number, [b""])[-1].decode("utf-8", "replace")


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(raw) or shift > 63:
            raise ProtobufError("a number does not end")
        byte = raw[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if not byte & 0x80:
            return value, at
        shift += 7
