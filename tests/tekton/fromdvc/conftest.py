"""One controller for all pipelines."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.tekton.fromdvc.running import Cluster, cluster


@pytest.fixture(scope="session")
def tekton_controller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    # Without private file trees: the forks of the server do not see those.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKSHOP_NAMESPACES", "off")
        with cluster(tmp_path_factory.mktemp("c")) as running:
            yield running
