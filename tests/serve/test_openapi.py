"""What the OpenAPI document says is so: schemathesis asks all that it allows, and much that it does not."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance
from tests.serve.server import BIKES, Server

from ffgen.serve.openapi import document
from ffgen.serve.problem import TITLES
from ffgen.serve.routes import ROUTES
from ffgen.serve.service import Service

FREE = ("/generate", "/draft", "/jobs")
"""Routes whose bodies no schema can tell: a description that names nothing is a text like any other."""

schema = schemathesis.openapi.from_dict(document(secured=False))
usual: dict[str, Any] = {
    "deadline": None,
    "database": None,
    "phases": [Phase.explicit, Phase.generate],
    "suppress_health_check": list(HealthCheck),
}


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service that takes jobs and runs none."""
    folder: Path = tmp_path_factory.mktemp("openapi")
    with Server(folder / "data", "--makers", "2", "--jobs", "0") as running:
        yield running


@schema.parametrize()
@settings(max_examples=8, derandomize=True, **usual)
def test_every_answer_is_as_it_is_told(case: Any, asked: Server) -> None:
    hold(case, asked)


@pytest.mark.soak
@schema.parametrize()
@settings(max_examples=300, **usual)
def test_every_answer_is_as_it_is_told_at_length(case: Any, asked: Server) -> None:
    hold(case, asked)


def hold(case: Any, asked: Server) -> None:
    """Asks, and holds the answer against the document."""
    free = case.method == "POST" and case.path in FREE
    case.call_and_validate(base_url=asked.url, excluded_checks=[positive_data_acceptance] if free else [])


@pytest.mark.soak
@schema.include(path_regex="^/jobs/.id.").parametrize()
@settings(max_examples=25, **usual)
def test_of_a_job_that_there_is(case: Any, asked: Server) -> None:
    """One that is over: the events of another one end when it does."""
    job = asked.ask("POST", "/jobs", {"description": BIKES}).json["id"]
    asked.ask("POST", f"/jobs/{job}/cancel")
    case.path_parameters = {"id": job}
    case.call_and_validate(base_url=asked.url)


def test_the_document_is_served_and_has_examples_that_work(server: Server) -> None:
    served = server.ask("GET", "/openapi.json").json
    assert served["openapi"] == "3.1.0" and served["paths"].keys() == document(secured=False)["paths"].keys()
    for route in ROUTES:
        if route.example:
            assert server.ask(route.method, route.path, dict(route.example)).status in route.answers


def test_every_route_and_every_problem_is_told() -> None:
    made = document(secured=True)
    for route in ROUTES:
        assert callable(getattr(Service, route.handler)) and route.told.endswith(".")
        operation = made["paths"][route.path][route.method.lower()]
        assert ("security" in operation) != route.is_open
    statuses = {status for one in made["paths"].values() for each in one.values() for status in each["responses"]}
    # What no route answers with: where there is none, and where a method is not of the route.
    assert {str(status) for status, _ in TITLES.values()} - statuses == {"405"}
