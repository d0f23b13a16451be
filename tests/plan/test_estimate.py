"""A plan in numbers and words."""

from typing import Any

import msgspec
import pytest

import ffgen

FIELDS: list[dict[str, Any]] = [
    {"name": "full_name", "length": [4, 40]},
    {"name": "age", "type": "integer", "range": [18, 80]},
    {"name": "email", "type": "email"},
]


def view(fields: list[dict[str, Any]] = FIELDS, model: dict[str, Any] | None = None, **dataset: Any) -> ffgen.PlanView:
    model = {"endpoint": ["http://a:1", "http://b:1"], "name": "m"} | (model or {})
    return ffgen.describe(ffgen.plan({"model": model, "dataset": {"fields": fields, "count": 100} | dataset}))


def test_what_will_be_done() -> None:
    shown = view(model={"batch_size": 30, "concurrency": 4})
    assert (shown.count, shown.shards, shown.requests, shown.batch_size, shown.max_asks) == (100, 4, 4, 30, 20)
    assert (shown.endpoints, shown.model, shown.concurrency) == (["http://a:1", "http://b:1"], "m", 4)
    assert [field.name for field in shown.fields] == ["full_name", "age", "email"]
    assert shown.fields[1].constraints == "a whole number from 18 to 80" and shown.fields[1].made_by == "model"
    assert view(model={"name": None}).model == "the one that the server has"
    assert msgspec.json.decode(msgspec.json.encode(shown), type=dict)["schema_version"] == 1


def test_estimates_grow_with_the_count_and_money_needs_a_price() -> None:
    small, large = view(count=100), view(count=1000)
    assert large.tokens_out == pytest.approx(10 * small.tokens_out, rel=0.01) and large.bytes > 9 * small.bytes
    assert large.tokens_in > small.tokens_in > 0 and small.seconds is not None and large.seconds is not None
    assert large.seconds == pytest.approx(10 * small.seconds, rel=0.01)
    assert small.money is None
    priced = view(model={"price": {"input": 1.0, "output": 2.0}})
    assert priced.money == pytest.approx((priced.tokens_in + 2 * priced.tokens_out) / 1e6)
    fast = view(model={"concurrency": 8}).seconds
    assert fast is not None and fast == pytest.approx(small.seconds / 4)


def test_an_estimate_of_tokens_is_no_lower_than_rows_need() -> None:
    row = '["Maria Lopez",36,"maria.lopez@example.com"]'
    assert view(count=1000).tokens_out > 1000 * len(row) / 4
    assert view([{"name": "moods"}], count=1000).tokens_out > 1000


@pytest.mark.parametrize(
    ("fields", "dataset", "words"),
    [
        (FIELDS, {}, "the gate compares xxh3-64 hashes of whole records"),
        (FIELDS, {"unique_by": ["age", "email"]}, "of the fields age, email"),
        (
            FIELDS[:2] + [{"name": "e", "type": "email", "unique": True}],
            {},
            "and of each value of e; only e keeps records apart",
        ),
        (
            [{"name": "id", "type": "uuid"}, *FIELDS],
            {},
            "only id keeps records apart, the other fields may repeat together",
        ),
    ],
)
def test_how_uniqueness_is_kept(fields: list[dict[str, Any]], dataset: dict[str, Any], words: str) -> None:
    assert words in view(fields, **dataset).uniqueness


def test_what_tells_records_apart() -> None:
    assert view().unique_by == ["full_name", "age", "email"] and view(unique_by=["age", "email"]).unique_by == [
        "age",
        "email",
    ]
    assert view(FIELDS[1:2], count=50).capacity == 63 and view().capacity is None
