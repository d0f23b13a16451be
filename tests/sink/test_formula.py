"""Text that a spreadsheet would run, and CSV that keeps it from that."""

import csv
import io
import json
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ffgen
from ffgen import sink
from ffgen.sink.block import encoder
from ffgen.sink.formula import escaped, escaped_column

FORMULAS = [
    "=1+1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "+1+1",
    "-2+cmd|' /C calc'!A0",
    "+",
    "-",
    "--5",
    "+1 555 0100",
    "+15550100\n",
]
PLAIN = ["", "a=1", "-5", "+5", "-5.25", "-.5", "+1e-9", "+15550100", "1+1", "'=1", " =1", "*"]


def test_what_is_a_formula() -> None:
    assert [escaped(text) for text in FORMULAS] == [f"'{text}" for text in FORMULAS]
    assert [escaped(text) for text in PLAIN] == PLAIN


@given(st.lists(st.none() | st.text("=@\t\r+-0.e15\n٣a", max_size=5)))
def test_a_column_is_escaped_as_its_cells_are(texts: list[str | None]) -> None:
    column = pl.Series("t", texts, dtype=pl.String)
    assert escaped_column(column).to_list() == [None if text is None else escaped(text) for text in texts]


def test_blocks_and_lines_are_the_same_and_numbers_stay() -> None:
    schema: dict[str, pl.DataType] = {
        "=n": pl.Int64(), "text": pl.String(), "in": pl.Struct({"f": pl.Float64(), "t": pl.String()}),
        "many": pl.List(pl.String()), "day": pl.Date(),
    }  # fmt: skip
    texts = [*FORMULAS, *PLAIN, None]
    rows = [
        {"=n": -i, "text": t, "in": {"f": -i / 2, "t": t}, "many": [] if t is None else [t], "day": None}
        for i, t in enumerate(texts)
    ]
    made = encoder("csv-safe", schema, {}, "none")
    block = made.header() + made.encode(pl.DataFrame(rows, schema=schema)).data
    written = io.BytesIO()
    lines = sink.resolve("csv-safe")(written, dict(schema), "none")
    lines.open()
    lines.write(b"".join(json.dumps(row).encode() + b"\n" for row in rows), len(rows))
    lines.close()
    assert block == written.getvalue()
    cells = list(csv.reader(io.StringIO(block.decode(), newline="")))
    assert cells[0] == ["'=n", "text", "in.f", "in.t", "many", "day"]
    assert [row[1] for row in cells[1:]] == [row[3] for row in cells[1:]] == [escaped(text or "") for text in texts]
    assert [row[0] for row in cells[1:]] == [str(-i) for i in range(len(texts))]


def test_a_run_writes_it_and_the_name_stays(tmp_path: Path) -> None:
    field = {"name": "t", "type": "enum", "values": ["=1"]}
    ident = {"name": "id", "type": "integer", "unique": True}
    spec = {"dataset": {"name": "d", "count": 2, "fields": [field, ident]}}
    ffgen.run(spec, tmp_path / "safe.csv", format="csv-safe")
    ffgen.run(spec, tmp_path / "plain.csv")
    safe, plain = ((tmp_path / name).read_text() for name in ("safe.csv", "plain.csv"))
    assert safe == plain.replace("=1", "'=1") != plain
    assert sink.format_of("a.csv.gz", "csv-safe") == ("csv-safe", "gzip")
    with pytest.raises(ffgen.errors.UsageError, match="csv-safe was asked"):
        sink.format_of("a.jsonl", "csv-safe")
