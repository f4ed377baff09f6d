"""Image references: `repo`, `repo:tag`, `repo@sha256:...` and `repo:tag@sha256:...`.

The grammar is that of container registries, without the default registry: `wine` is `wine`. Only a colon after the last
slash begins a tag, so the port of a registry is not read as a tag.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from workshop.errors import UsageError

_REPO = re.compile(r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?::[0-9]+)?(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*\Z")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}\Z")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")


@dataclass(frozen=True)
class Ref:
    """A parsed reference. Without tag and digest the tag is `latest`."""

    repo: str
    tag: str = ""
    digest: str = ""

    @property
    def name(self) -> str:
        """`repo:tag`, the name under which a tag is kept."""
        return f"{self.repo}:{self.tag or 'latest'}"


def parse(text: str) -> Ref:
    """Parse a reference. Raises UsageError, which lists the allowed forms."""
    rest, _, digest = text.removeprefix("docker://").partition("@")
    repo, tag = rest, ""
    if ":" in rest.rpartition("/")[2]:
        repo, _, tag = rest.rpartition(":")
    bad = not _REPO.match(repo) or (tag and not _TAG.match(tag)) or (digest and not _DIGEST.match(digest))
    if bad or ("@" in text and not digest) or rest.endswith(":"):
        raise UsageError(
            f"{text!r} is not an image reference",
            hint="allowed are repo, repo:tag, repo@sha256:<64 hex digits> and repo:tag@sha256:<64 hex digits>",
        )
    return Ref(repo, tag, digest)
