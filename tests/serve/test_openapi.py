"""What the OpenAPI document says is so: schemathesis asks all that it allows, and much that it does not."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import load_all_checks
from schemathesis.openapi.checks import RejectedPositiveData  # noqa: F401
from tests.serve.server import BIKES, Server

from ffgen.serve.openapi import document, problems_of
from ffgen.serve.problem import TITLES
from ffgen.serve.routes import ROUTES
from ffgen.serve.service import Service


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service that takes jobs and runs none."""
    folder: Path = tmp_path_factory.mktemp("openapi")
    with Server(folder / "data", "--makers", "2", "--jobs", "0") as running:
        yield running


schema = schemathesis.openapi.from_dict(document(secured=False))


@schema.parametrize()
@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_as_it_is_told(case: Case, asked: Server) -> None:
    case.call_and_validate(base_url=asked.url)
