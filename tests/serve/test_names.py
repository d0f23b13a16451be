"""What an answer is called, and what a spec of a request may name."""

from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ffgen.serve.allowed import Forbidden, admitted
from ffgen.serve.metrics import Metrics
from ffgen.serve.naming import disposition, file_name
from ffgen.serve.prepare import finest_of, with_rows
from ffgen.serve.problem import steps


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("bikes.csv", 'attachment; filename="bikes.csv"'),
        ("cafés.csv", "attachment; filename=\"cafes.csv\"; filename*=UTF-8''caf%C3%A9s.csv"),
        ("東京.csv", "attachment; filename=\"data.csv\"; filename*=UTF-8''%E6%9D%B1%E4%BA%AC.csv"),
        ("../../etc/passwd.csv", 'attachment; filename="etc_passwd.csv"'),
        ('a"b\r\nc.csv', 'attachment; filename="a_b__c.csv"'),
        ("con.csv", 'attachment; filename="con_.csv"'),
        ("....csv", 'attachment; filename="data.csv"'),
    ],
)
def test_a_file_s_name(name: str, expected: str) -> None:
    assert disposition(name) == expected


@given(st.text())
def test_any_name_is_a_good_one(name: str) -> None:
    header = disposition(f"{name}.csv")
    assert header.isascii() and header.isprintable() and header.count('"') == 2
    made = unquote(header.rpartition("''")[2]) if "''" in header else header.split('"')[1]
    assert made == file_name(f"{name}.csv") and not set(made) & set('/\\:*?"<>|\r\n\0') and len(made) <= 90
    assert not made.startswith((".", " "))


def test_a_generator_of_a_package_is_the_operator_s_to_allow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ffgen.serve.allowed.offered", lambda group: {"theirs": None})
    spec: dict[str, Any] = {
        "dataset": {
            "fields": [
                {"name": "a", "type": "enum", "values": ["theirs"]},
                {"name": "b", "generator": {"name": "mixture", "parts": [{"generator": "theirs"}]}},
            ]
        }
    }
    with pytest.raises(Forbidden) as raised:
        admitted(spec, {}, [])
    assert [one.path for one in raised.value.findings] == ["dataset.fields[1].generator.parts[0].generator"]
    assert admitted(spec, {}, ["theirs"]) == spec


def test_a_model_is_filled_in() -> None:
    models = {"fast": {"endpoint": "http://127.0.0.1:1", "name": "llama", "temperature": 0.5}}
    made = admitted({"model": {"name": "fast", "temperature": 0.1}}, models, [])
    assert made == {"model": {"endpoint": "http://127.0.0.1:1", "name": "llama", "temperature": 0.1}}
    assert admitted({"model": "fast"}, models, [])["model"] == models["fast"]


def test_the_finest_table() -> None:
    tables = [
        {"name": "countries", "rows": [{"id": 1}], "fields": []},
        {"name": "customers", "fields": [{"name": "country", "ref": "countries.id"}]},
        {"name": "orders", "fields": [{"name": "customer", "ref": {"to": "customers.id"}}]},
        {"name": "kinds", "rows": [{"id": 1}], "fields": []},
    ]
    assert finest_of({"tables": tables}) == "orders"
    assert with_rows({"tables": tables}, "orders", 5)["tables"][2]["count"] == 5
    odds: list[dict[str, Any]] = [{}, {"tables": 5}, {"tables": [None]}, {"dataset": 5}, {"tables": [{"fields": {}}]}]
    for odd in odds:
        with_rows(odd, finest_of(odd), 5)


def test_pointers() -> None:
    assert steps("dataset.fields[3].range") == ["dataset", "fields", "3", "range"]
    assert steps('model["a.b/c~d"]') == ["model", "a.b~1c~0d"]
    assert steps("") == []


def test_metrics_add_up() -> None:
    metrics = Metrics()
    for seconds in (0.001, 0.2, 500.0):
        metrics.answered("GET", "/", 200, seconds)
    text = metrics.text({"quick": (1, 2, 3)}, {"done": 4})
    for line in (
        'ffgen_requests_total{method="GET",route="/",status="200"} 3',
        'ffgen_request_seconds_bucket{route="/",le="0.01"} 1',
        'ffgen_request_seconds_bucket{route="/",le="+Inf"} 3',
        'ffgen_request_seconds_count{route="/"} 3',
        'ffgen_requests_waiting{lane="quick"} 3',
        'ffgen_jobs{state="done"} 4',
    ):
        assert line in text.splitlines()
