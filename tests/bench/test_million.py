"""The million-record job, cut down: 20,000 records, and a stand-in that is forty times as quick."""

from pathlib import Path

import pytest
from bench import million
from bench.customers import WrongOutput


def test_20_000_records_cost_a_few_hundred_requests(tmp_path: Path) -> None:
    found = {figure.name: figure for figure in million.measure(tmp_path, quick=True)}
    assert list(found) == [f"million.{name}" for name in ("seconds", "values", "most", "requests", "busy")]
    assert found["million.values"].value >= 5_000
    assert found["million.requests"].value <= 500
    # Four rows a value on average: chance alone brings one value up three times as often as that.
    assert found["million.most"].value <= 5
    assert found["million.busy"].value > 0.3 and found["million.seconds"].value < 60


def test_what_came_out_is_looked_at(tmp_path: Path) -> None:
    out = tmp_path / "o.jsonl"
    out.write_text('{"id": 1, "situation": "a"}\n{"id": 2, "situation": "a"}\n{"id": 3, "situation": "b"}\n')
    values, most = million.shares(out, 3)
    assert values == 2 and most == pytest.approx(2 * 2 / 3)
    with pytest.raises(WrongOutput, match="4 records were asked for; 3 came"):
        million.shares(out, 4)
