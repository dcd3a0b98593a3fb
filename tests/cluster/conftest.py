"""These tests are about a cluster, and are there where one is given (tests/clusters.py)."""

from tests import clusters

collect_ignore_glob = [] if clusters.is_given() else ["test_*.py"]
