"""A place for runs, and a model server that stands in for a real one."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.run.calm import Calm
from tests.run.drive import OLD, Site, sites
from tests.run.nursery import Nursery, nurseries
from tests.standin import Settings, Standin, start

PLAIN = {name: value for name, value in zip(Settings.__struct_fields__, Settings.__struct_defaults__, strict=True)}


@pytest.fixture(scope="session")
def one_server() -> Iterator[Standin]:
    """Started once: half a second that each test need not wait."""
    with start(slots=16) as standin:
        yield standin


@pytest.fixture
def server(one_server: Standin) -> Standin:
    """A stand-in that does as it should, until the test says else; its counters are at 0."""
    one_server.set(**{name: value for name, value in PLAIN.items() if name not in ("port", "host")} | {"slots": 16})
    one_server.reset()
    return one_server


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with sites(tmp_path) as made:
        yield made


@pytest.fixture
def old(site: Site, calm: Calm) -> Path:
    """A destination that holds a file already, for a run of the module's `calm` one."""
    calm.server.reset()
    site.path().write_bytes(OLD)
    return site.path()


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    """Where runs that are to be killed come from."""
    with nurseries() as made:
        yield made
