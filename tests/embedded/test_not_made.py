"""Where no cluster is to be made: one that is there is used, and nothing is made where none is."""

from collections.abc import Callable
from pathlib import Path

import pytest

from postgres.embedded import EmbeddedError, EmbeddedServer
from postgres.embedded.errors import NoClusterError
from tests.embedded.processes import Neighbour, accepts, eventually, postmaster, rows, write_rows

Start = Callable[[], Neighbour]


@pytest.fixture
def reader(data_dir: Path, said: list[str]) -> EmbeddedServer:
    """A server that makes no cluster, not entered yet."""
    return EmbeddedServer(data_dir, say=said.append, make=False)


def refused(reader: EmbeddedServer) -> str:
    with pytest.raises(NoClusterError) as error:
        reader.__enter__()
    return str(error.value)


def test_nothing_is_made_where_nothing_is(
    reader: EmbeddedServer, folder: Path, data_dir: Path, shared_folder: Path
) -> None:
    said = refused(reader)
    assert f"there is no store in {data_dir}\n" in said
    for word in ("roundbook serve", "ROUNDBOOK_DATA_DIR", "ROUNDBOOK_DATABASE_URL"):
        assert word in said
    assert list(folder.iterdir()) == []


def test_an_empty_folder_stays_empty(reader: EmbeddedServer, data_dir: Path) -> None:
    data_dir.mkdir()
    refused(reader)
    assert list(data_dir.iterdir()) == []


def test_a_cluster_that_is_there_is_used_wherever_it_lives(
    folder: Path, shared_folder: Path
) -> None:
    (folder / "private").mkdir(0o700)  # as root it is made elsewhere, and there is a pointer
    for data_dir in (folder / "data", folder / "private/data"):
        with EmbeddedServer(data_dir) as server:
            write_rows(server.owner_url)
        with EmbeddedServer(data_dir, make=False) as reader:
            assert rows(reader.owner_url) == 100


def test_a_cluster_that_is_being_made_is_waited_for(
    reader: EmbeddedServer, data_dir: Path, neighbour: Start
) -> None:
    maker = neighbour()
    eventually(lambda: any(data_dir.glob("postgres-draft-*")))
    with reader:
        assert maker.entered() == ("owner", reader.admin_url)
        assert accepts(reader.service_url)


def test_a_cluster_that_was_half_made_is_none(
    reader: EmbeddedServer, data_dir: Path, neighbour: Start
) -> None:
    maker = neighbour()
    eventually(lambda: any(data_dir.glob("postgres-draft-*")))
    maker.kill()
    refused(reader)
    assert not (data_dir / "postgres").exists()


def test_the_owner_of_a_cluster_may_have_made_none(
    reader: EmbeddedServer, data_dir: Path, neighbour: Start
) -> None:
    """Whoever makes none brings one that is there up all the same, and others attach to it."""
    with EmbeddedServer(data_dir):
        pass
    with reader:
        assert neighbour().entered()[0] == "attached"
        assert postmaster(data_dir)


@pytest.mark.parametrize("make", [True, False])
def test_a_file_is_no_folder_for_a_cluster(data_dir: Path, make: bool) -> None:
    data_dir.write_text("precious")
    for place in (data_dir, data_dir / "below"):
        with pytest.raises(EmbeddedError, match=f"^{data_dir} is a file: {place} can't be"):
            EmbeddedServer(place, make=make).__enter__()
    assert data_dir.read_text() == "precious"


@pytest.mark.parametrize("make", [True, False])
def test_links_in_a_circle_are_told(data_dir: Path, make: bool) -> None:
    data_dir.symlink_to(data_dir)
    with pytest.raises(EmbeddedError, match=str(data_dir)):
        EmbeddedServer(data_dir, make=make).__enter__()


@pytest.mark.parametrize("name", ["müßig und größer", "日本", "a'b\"c%d?e#f,g"])
def test_a_folder_may_have_any_name_whatever_the_locale(folder: Path, name: str) -> None:
    data_dir = folder / name
    for locale in ("C", "C.UTF-8"):
        process = Neighbour(data_dir, LC_ALL=locale)
        role, url = process.entered()
        assert role == "owner"
        assert accepts(url)
        process.leave()
    assert (data_dir / "postgres").is_dir()
