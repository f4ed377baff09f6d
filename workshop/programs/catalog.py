"""The programs by package: the oldest supported version, and the sources.

The SHA-256 values are those of the `sha256sums.txt` that each release publishes on GitHub. To use a newer release,
change `version` and all four values. The minimum is the oldest version that the tests have run with (Debian 12).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Release:
    """An official release on GitHub: `sha256` maps a platform such as `linux-amd64` to the archive's digest."""

    version: str
    sha256: Mapping[str, str]


@dataclass(frozen=True, eq=False)
class Package:
    """Programs of one package.

    `programs` maps the name that the lab uses to the file names it may have. `version` is the option that makes the
    first of them print its version. Without a `release`, only PATH and the distribution's package are tried.
    `fixed` is a folder that the distribution's program reads by this path, which its binary contains.
    """

    name: str
    minimum: tuple[int, ...]
    programs: Mapping[str, tuple[str, ...]]
    debian: str
    release: Release | None = None
    version: str = "--version"
    fixed: str = ""

    @property
    def oldest(self) -> str:
        """The minimum as text: `2.42`."""
        return ".".join(map(str, self.minimum))


PACKAGES = {
    package.name: package
    for package in (
        Package(
            name="alertmanager",
            minimum=(0, 25),
            # Debian calls it prometheus-alertmanager.
            programs={"alertmanager": ("alertmanager", "prometheus-alertmanager")},
            debian="prometheus-alertmanager",
            # Its templates: it does not start without them.
            fixed="/usr/share/prometheus/alertmanager",
            release=Release(
                "0.34.1",
                {
                    "darwin-amd64": "9f3a3806c81a2ef3546fea9bae3dd39abcf2206edd112c9433133a9355875fce",
                    "darwin-arm64": "a3941879f340ef12a4cc1a479c82bd8520611265ea8d1ee25c88bd5f944d8293",
                    "linux-amd64": "265b9d1e55ef0d5306a436018af6d2b686c2ce051f03d968f7464ecb1372a7e8",
                    "linux-arm64": "d98d6cbaf52151c7e76e24355fec88b11cebcb9875d4cdd8b76ddce7a7e5535c",
                },
            ),
        ),
        Package(
            # For the guide's requests. The package git depends on curl's library, not on the program.
            name="curl",
            minimum=(7, 68),
            programs={"curl": ("curl",)},
            debian="curl",
        ),
        Package(
            # It is in the image of the client page; on this machine only tests start it.
            name="nginx",
            minimum=(1, 18),
            programs={"nginx": ("nginx",)},
            debian="nginx-light",
            version="-v",
        ),
        Package(
            name="prometheus",
            minimum=(2, 42),
            programs={"prometheus": ("prometheus",), "promtool": ("promtool",)},
            debian="prometheus",
            release=Release(
                "3.11.3",
                {
                    "darwin-amd64": "ebd86b50e816e3752edff25202593fc31e08771f14c5f6d4a24737f0304385be",
                    "darwin-arm64": "742773c5b3958eec5e6b58802f25cf77b47a319219ce0d508ed2f657c61d8859",
                    "linux-amd64": "9479af67673316278958cda1f39b88a09f8921084e039c65acca060d0447bb38",
                    "linux-arm64": "d2ec0a96259afde955ad1560ced303cef99cac4dac676bd4dd7614d76adb708a",
                },
            ),
        ),
    )
}
"""By name, in alphabetical order."""

NEEDED = ("prometheus", "alertmanager", "curl")
"""The packages that `make setup` fetches."""
