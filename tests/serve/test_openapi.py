"""What the OpenAPI document says is so: schemathesis asks all that it allows, and much that it does not."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance
from tests.serve.server import BIKES, Server

from ffgen.serve.app import routed
from ffgen.serve.guard import OPEN
from ffgen.serve.problem import TITLES

FREE = ("/generate", "/draft", "/jobs")
"""Routes whose bodies no schema can tell: a description that names nothing is a text like any other."""

schema = schemathesis.openapi.from_dict(routed(secured=False).openapi())
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


def operations(document: Any) -> Iterator[tuple[str, str, Any]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method.upper(), operation


def test_the_document_is_served_and_has_examples_that_work(server: Server) -> None:
    served = server.ask("GET", "/openapi.json").json
    assert served == routed(secured=False).openapi() and served["openapi"] == "3.1.0"
    asked = 0
    for path, method, operation in operations(served):
        if "requestBody" in operation:
            example = operation["requestBody"]["content"]["application/json"]["example"]
            assert str(server.ask(method, path, example).status) in {"200", "202"} & operation["responses"].keys()
            asked += 1
    assert asked == 4


def test_every_route_and_every_problem_is_told() -> None:
    made = routed(secured=True).openapi()
    statuses = set()
    for path, _, operation in operations(made):
        assert operation["summary"].endswith(".") and ("security" in operation) != (path in OPEN)
        assert all(told["description"] for told in operation["responses"].values())
        statuses |= operation["responses"].keys()
    # What no route answers with: where there is none, and where a method is not of the route.
    assert {str(status) for status, _ in TITLES.values()} - statuses == {"405"}
    assert made["components"]["securitySchemes"] == {"token": {"type": "http", "scheme": "bearer"}}
    assert all(schema["description"] for schema in made["components"]["schemas"].values())
    assert "HTTPValidationError" not in str(made) and "null" not in str(made["components"]["schemas"]["JobRequest"])


def test_no_page_loads_anything_from_elsewhere(server: Server) -> None:
    for path in ("/docs", "/redoc", "/docs/oauth2-redirect"):
        assert server.ask("GET", path).status == 404
