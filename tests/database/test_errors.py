"""Which errors mean that the store is out of reach: one list, for writing and for reading."""

import psycopg
import pytest
from eventsourcing.persistence import OperationalError
from psycopg_pool import PoolTimeout

from app.log.recorder import library_errors
from postgres.errors import UNAVAILABLE, is_out_of_reach

OUT_OF_REACH = [
    psycopg.OperationalError("server closed the connection unexpectedly"),
    psycopg.InterfaceError("the connection is closed"),
    PoolTimeout("couldn't get a connection"),
    OperationalError("out of reach"),
    *(
        psycopg.errors.lookup(state)("whatever it says")
        for state in (
            *("08006", "08P01", "25006", "25P03", "25P04", "53000", "53100", "53200", "53300"),
            *("53400", "57P01", "57P02", "57P03", "57P05", "58000", "58030", "XX000"),
        )
    ),
]
ABOUT_WHAT_WAS_ASKED = [
    psycopg.errors.lookup(state)("whatever it says")
    for state in ("40001", "40P01", "54000", "55P03", "57014")
]
OF_OURS = [
    psycopg.errors.lookup(state)("whatever it says")
    for state in ("22003", "22021", "23505", "42501", "42601", "42P01", "XX001", "P0001")
]


@pytest.mark.parametrize("error", OUT_OF_REACH, ids=repr)
def test_what_is_about_the_store_as_a_whole(error: Exception) -> None:
    assert isinstance(error, UNAVAILABLE)
    assert is_out_of_reach(error)


@pytest.mark.parametrize("error", ABOUT_WHAT_WAS_ASKED, ids=repr)
def test_what_is_to_be_tried_again_but_about_what_was_asked_for(error: Exception) -> None:
    assert isinstance(error, UNAVAILABLE)
    assert not is_out_of_reach(error)


@pytest.mark.parametrize("error", [*OF_OURS, RuntimeError("a bug")], ids=repr)
def test_what_is_a_fault_of_ours(error: Exception) -> None:
    assert not isinstance(error, UNAVAILABLE)
    assert not is_out_of_reach(error)


@pytest.mark.parametrize("error", [*OUT_OF_REACH, *ABOUT_WHAT_WAS_ASKED], ids=repr)
def test_what_the_library_makes_of_an_error_means_the_same(error: Exception) -> None:
    with pytest.raises(OperationalError) as raised, library_errors():
        raise error
    assert is_out_of_reach(raised.value) == is_out_of_reach(error)
