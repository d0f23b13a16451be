"""One service for most tests of a file."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.serve.server import Server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """With one maker and one stream at a time."""
    folder: Path = tmp_path_factory.mktemp("serve")
    with Server(folder / "data", "--makers", "1", "--streams", "1", "-v") as running:
        yield running
