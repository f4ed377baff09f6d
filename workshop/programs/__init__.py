"""Programs that the lab needs and PyPI does not have: Prometheus with promtool, Alertmanager, and curl.

`find` locates a program: on PATH when it is new enough, else in the cache. `python -m workshop.programs` (part of `make
setup`) fills the cache without root: from the distribution's packages on Debian and Ubuntu, else from the official
release archive with a pinned SHA-256.

The cache belongs to the user, not to one clone: `$WORKSHOP_CACHE`, else `$XDG_CACHE_HOME/openshift-mlops-workshop`,
else `~/.cache/openshift-mlops-workshop`. A second clone needs no network.
"""

from workshop.programs.catalog import NEEDED, PACKAGES, Package, Release
from workshop.programs.find import Program, cache_folder, fetched, find, require

__all__ = ["NEEDED", "PACKAGES", "Package", "Program", "Release", "cache_folder", "fetched", "find", "require"]
