"""Every format and compression, written in any cuts and read back by two other readers."""

import gzip
import io
import json
import random
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ffgen import sink
from ffgen.errors import UsageError
from ffgen.sink import compress, parquet

SCHEMA: dict[str, Any] = {
    "id": pl.Int64(),
    "name": pl.String(),
    "score": pl.Float64(),
    "on": pl.Boolean(),
    "born": pl.Date(),
    "seen": pl.Datetime("us", "UTC"),
    "at": pl.Time(),
    "void": pl.String(),
    "address": pl.Struct({"city": pl.String(), "geo": pl.Struct({"lat": pl.Float64()})}),
    "tags": pl.List(pl.String()),
    "days": pl.List(pl.Date()),
}
ROWS: list[dict[str, Any]] = [
    {
        "id": 2**63 - 1,
        "name": 'Zoë "東京" 😀, a\nb\\',
        "score": 1e16,
        "on": True,
        "born": "2024-02-29",
        "seen": "2024-03-17T09:26:53.25Z",
        "at": "09:26:53",
        "void": None,
        "address": {"city": "Ulm, D", "geo": {"lat": 48.4}},
        "tags": ["a,b", 'q"'],
        "days": ["2024-01-01", None],
    },
    {
        "id": -5,
        "name": "",
        "score": 0.1,
        "on": False,
        "born": "0001-01-01",
        "seen": "1969-12-31T23:59:59Z",
        "at": "00:00:00",
        "void": None,
        "address": {"city": "", "geo": None},
        "tags": [],
        "days": [],
    },
    dict.fromkeys(SCHEMA),
]
FILES = [("jsonl", "none"), ("jsonl", "gzip"), ("jsonl", "zstd"), ("csv", "none"), ("csv", "gzip"), ("csv", "zstd")]
FILES += [("parquet", "none"), ("parquet", "gzip"), ("parquet", "zstd")]
SUFFIX = {"none": "", "gzip": ".gz", "zstd": ".zst"}


def query(text: str) -> duckdb.DuckDBPyRelation:
    relation = duckdb.sql(text)
    assert relation is not None
    return relation


def lines_of(rows: list[dict[str, Any]]) -> bytes:
    return b"".join(msgspec.json.encode(row) + b"\n" for row in rows)


def write(target: Any, format: str, compression: str, pieces: list[bytes], schema: dict[str, Any] = SCHEMA) -> None:
    out = sink.resolve(format)(target, schema, compression)
    out.open()
    for piece in pieces:
        out.write(piece, piece.count(b"\n"))
    out.close()


def file_of(tmp_path: Path, format: str, compression: str, pieces: list[bytes], **options: Any) -> Path:
    path = tmp_path / f"out.{format}{'' if format == 'parquet' else SUFFIX[compression]}"
    write(str(path), format, compression, pieces, **options)
    return path


@pytest.mark.parametrize(("format", "compression"), FILES)
@pytest.mark.parametrize("count", [0, 1, 3])
def test_read_back_with_polars_and_duckdb(tmp_path: Path, format: str, compression: str, count: int) -> None:
    path = file_of(tmp_path, format, compression, [lines_of(ROWS[:count])])
    if format == "jsonl":
        frame = pl.read_ndjson(path, schema={name: SCHEMA[name] for name in ("id", "name", "score", "on", "tags")})
        assert frame.rows() == [tuple(row[name] for name in frame.columns) for row in ROWS[:count]]
        found = duckdb.read_json(str(path), format="newline_delimited").project("id, name").fetchall() if count else []
        assert len(found) == count and all(row[1] == ROWS[i]["name"] for i, row in enumerate(found))
    elif format == "csv":
        check_csv(path, count)
    else:
        frame = pl.read_parquet(path)
        assert dict(frame.schema) == SCHEMA
        assert frame["name"].to_list() == [row["name"] for row in ROWS[:count]]
        assert frame["address"].to_list() == [row["address"] for row in ROWS[:count]]
        assert frame["void"].null_count() == count
        found = duckdb.read_parquet(str(path)).project("id, tags").fetchall()
        assert [row[0] for row in found] == [row["id"] for row in ROWS[:count]]
        assert [row[1] for row in found] == [row["tags"] for row in ROWS[:count]]
        codecs = query(f"select distinct compression from parquet_metadata('{path}')").fetchall()
        expected = {"none": "UNCOMPRESSED", "gzip": "GZIP", "zstd": "ZSTD"}[compression]
        assert codecs in ([(expected,)], [])


def check_csv(path: Path, count: int) -> None:
    names = [*list(SCHEMA)[:8], "address.city", "address.geo.lat", "tags", "days"]
    frame = pl.read_csv(path, infer_schema=False)
    assert frame.columns == names
    assert frame["name"].to_list() == [row["name"] for row in ROWS[:count]]
    assert frame["score"].to_list() == ["1e16", "0.1", None][:count]
    assert frame["seen"].to_list() == [row["seen"] for row in ROWS[:count]]
    tags = [None if cell is None else json.loads(cell) for cell in frame["tags"]]
    assert tags == [row["tags"] for row in ROWS[:count]]
    options = "header = true, all_varchar = true, delim = ',', quote = '\"', allow_quoted_nulls = false"
    table = query(f"select * from read_csv('{path}', {options})")
    assert table.columns == names
    found = table.project('name, void, "address.city"').fetchall()
    expected = [(row["name"], None, (row["address"] or {}).get("city")) for row in ROWS[:count]]
    assert found == expected


def test_parquet_types_are_right(tmp_path: Path) -> None:
    frame = pl.read_parquet(file_of(tmp_path, "parquet", "zstd", [lines_of(ROWS)]))
    assert [str(value) for value in frame.row(0, named=True).values()][4:7] == [
        "2024-02-29",
        "2024-03-17 09:26:53.250000+00:00",
        "09:26:53",
    ]
    assert frame["days"].to_list()[1:] == [[], None]


@pytest.mark.parametrize(("format", "compression"), FILES)
def test_same_bytes_however_the_stream_is_cut(
    tmp_path_factory: pytest.TempPathFactory, format: str, compression: str
) -> None:
    rows = [{"id": i, "name": "x" * (i * 7919 % 23)} for i in range(60)]
    schema = {"id": pl.Int64(), "name": pl.String()}
    lines = lines_of(rows).splitlines(keepends=True)
    folder = tmp_path_factory.mktemp("cuts")

    def made(cuts: list[int]) -> bytes:
        edges = [0, *sorted(cuts), len(lines)]
        pieces = [b"".join(lines[low:high]) for low, high in zip(edges, edges[1:], strict=False)]
        path = file_of(folder, format, compression, pieces, schema=schema)
        data = path.read_bytes()
        streamed = io.BytesIO()
        write(streamed, format, compression, pieces, schema)
        assert streamed.getvalue() == data
        path.unlink()
        return data

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compress, "BLOCK", 100)
        patch.setattr(parquet, "GROUP_ROWS", 17)
        patch.setattr(parquet, "GROUP_BYTES", 300)
        whole = made([])

        @settings(max_examples=15, deadline=None)
        @given(st.lists(st.integers(0, len(lines)), max_size=12))
        def any_cuts(cuts: list[int]) -> None:
            assert made(cuts) == whole

        any_cuts()


def test_parquet_of_many_groups_keeps_order(tmp_path: Path) -> None:
    count = parquet.GROUP_ROWS * 2 + 5
    lines = b"".join(b'{"id":%d}\n' % i for i in range(count))
    path = file_of(tmp_path, "parquet", "zstd", [lines], schema={"id": pl.Int64()})
    assert pl.read_parquet(path)["id"].to_list() == list(range(count))
    groups = query(f"select row_group_num_rows from parquet_metadata('{path}') order by row_group_id").fetchall()
    assert groups == [(parquet.GROUP_ROWS,), (parquet.GROUP_ROWS,), (5,)]
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.parquet"]


def test_parquet_groups_of_long_rows_are_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "GROUP_BYTES", 10_000)
    lines = [msgspec.json.encode({"id": "x" * 3000}) + b"\n"] * 10
    path = file_of(tmp_path, "parquet", "zstd", lines, schema={"id": pl.String()})
    found = query(f"select distinct row_group_id, row_group_num_rows from parquet_metadata('{path}') order by 1")
    assert [rows for _, rows in found.fetchall()] == [3, 3, 3, 1]


def test_parquet_folder_of_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "GROUP_ROWS", 4)
    write(f"{tmp_path}/dir/", "parquet", "zstd", [b'{"id":%d}\n' % i for i in range(9)], {"id": pl.Int64()})
    assert sorted(path.name for path in (tmp_path / "dir").iterdir()) == [f"part-0000{i}.parquet" for i in range(3)]
    assert pl.read_parquet(tmp_path / "dir" / "*.parquet")["id"].to_list() == list(range(9))


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_text_beyond_a_block_is_independent_pieces(tmp_path: Path, compression: str) -> None:
    words = random.Random(1)
    lines = lines_of([{"id": i, "name": f"{words.random()}"} for i in range(70_000)])
    path = file_of(tmp_path, "jsonl", compression, [lines])
    magic = {"gzip": b"\x1f\x8b\x08\0\0\0\0\0\0\xff", "zstd": b"\x28\xb5\x2f\xfd"}[compression]
    assert path.read_bytes().count(magic) >= len(lines) // compress.BLOCK + 1
    frame = pl.read_ndjson(path)
    assert frame.height == 70_000 and frame["id"].is_sorted()
    if compression == "gzip":
        assert gzip.decompress(path.read_bytes()) == lines


def test_csv_of_one_column_tells_null_from_empty(tmp_path: Path) -> None:
    lines = b'{"a,\\"b":""}\n{"a,\\"b":null}\n{}\n{"a,\\"b":"x"}\n'
    path = file_of(tmp_path, "csv", "none", [lines], schema={'a,"b': pl.String()})
    assert path.read_bytes() == b'"a,""b"\n""\n\n\nx\n'


def test_csv_columns_that_collide_are_refused() -> None:
    schema = {"a.b": pl.String(), "a": pl.Struct({"b": pl.String()})}
    with pytest.raises(UsageError, match=r"a\.b"):
        sink.resolve("csv")(io.BytesIO(), schema, "none")


@pytest.mark.parametrize(
    ("path", "said", "expected"),
    [
        ("a.jsonl", {}, ("jsonl", "none")),
        ("a.ndjson.gz", {}, ("jsonl", "gzip")),
        ("A.CSV.ZST", {}, ("csv", "zstd")),
        ("a.parquet", {}, ("parquet", "zstd")),
        ("a.parquet", {"compression": "none"}, ("parquet", "none")),
        ("dir/", {}, ("parquet", "zstd")),
        ("-", {}, ("jsonl", "none")),
        ("-", {"format": "csv", "compression": "gzip"}, ("csv", "gzip")),
        ("data.txt", {"format": "csv"}, ("csv", "none")),
        ("data", {"format": "jsonl", "compression": "zstd"}, ("jsonl", "zstd")),
    ],
)
def test_format_of(path: str, said: dict[str, str], expected: tuple[str, str]) -> None:
    assert sink.format_of(path, **said) == expected


@pytest.mark.parametrize(
    ("path", "said", "words"),
    [
        ("a.json", {}, r"\.json is not a format.*\.jsonl.*--format"),
        ("a", {}, "does not say the format"),
        ("a.parquet.gz", {}, "inside"),
        ("a.csv", {"format": "jsonl"}, "jsonl was asked"),
        ("a.csv.gz", {"compression": "zstd"}, "zstd was asked"),
        ("dir/", {"format": "csv"}, "is a folder"),
        ("a.x", {"format": "xml"}, "unknown"),
    ],
)
def test_format_of_refuses(path: str, said: dict[str, str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        sink.format_of(path, **said)


def test_every_format_resolves_and_explains_itself() -> None:
    for name in sink.SINKS:
        assert len((sink.resolve(name).__doc__ or "").split()) > 30
    with pytest.raises(UsageError, match="unknown"):
        sink.resolve("xml")
