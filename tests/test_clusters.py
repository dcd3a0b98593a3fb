"""What a run on a cluster leaves out, by name, is there to be left out."""

from pathlib import Path

import pytest

from tests.clusters import NOT_ON_CLUSTERS

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("begins", sorted(NOT_ON_CLUSTERS))
def test_what_is_left_out_on_a_cluster_is_there(begins: str) -> None:
    path, _, names = begins.partition("::")
    assert (ROOT / path).exists()
    # A class may have its tests from another.
    name = names.partition("[")[0].partition("::")[0]
    assert not name or f" {name}" in (ROOT / path).read_text()
