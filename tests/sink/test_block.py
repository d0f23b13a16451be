"""Blocks of drawn rows: what row by row is written from the same values, and files that other readers take."""

import gzip
import io
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import numpy as np
import polars as pl
import pytest
import pyzstd
from hypothesis import given, settings
from hypothesis import strategies as st

from ffgen import sink
from ffgen.errors import InternalError, UsageError
from ffgen.sink import block, parquet_join
from ffgen.sink.block import BLOCKS, Encoder, encoder
from ffgen.sink.moments import SPAN, Table, pieces_of, written_type
from ffgen.spec.types.time import written

MOMENT: Any = pl.Datetime("us", "UTC")
SCHEMA: dict[str, Any] = {
    "id": pl.Int64(),
    'a "b"/\n.é': pl.String(),
    "x": pl.Float64(),
    "on": pl.Boolean(),
    "born": pl.Date(),
    "seen": MOMENT,
    "at": pl.Time(),
    "o": pl.Struct({"d": pl.Date(), "x": pl.Float64(), "in": pl.Struct({"t": pl.Time(), "s": pl.String()})}),
    "tags": pl.List(pl.String()),
    "days": pl.List(pl.Date()),
    "xs": pl.List(pl.Float64()),
    "os": pl.List(pl.Struct({"m": MOMENT, "n": pl.List(pl.Int64())})),
    "deep": pl.List(pl.List(pl.Time())),
}
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6) | st.sampled_from(["", "null", "1e+16", '"', ","])
FLOATS = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from(
    [1e16, -1e16, 3.0, 1e-5, 9999999999999998.0]
)
WHOLE = st.datetimes(timezones=st.just(UTC)).map(lambda moment: moment.replace(microsecond=0))


def record_of(schema: Mapping[str, Any], moments: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Records with all keys, in order."""
    values = st.tuples(*(values_of(dtype, moments) for dtype in schema.values()))
    return values.map(lambda cells: dict(zip(schema, cells, strict=True)))


def values_of(dtype: Any, moments: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Values of a type, null included."""
    if isinstance(dtype, pl.Struct):
        return st.none() | record_of({field.name: field.dtype for field in dtype.fields}, moments)
    if isinstance(dtype, pl.List):
        return st.none() | st.lists(values_of(dtype.inner, moments), max_size=3)
    plain: dict[Any, st.SearchStrategy[Any]] = {
        pl.Int64(): st.integers(-(2**63), 2**63 - 1),
        pl.String(): TEXTS,
        pl.Float64(): FLOATS,
        pl.Boolean(): st.booleans(),
        pl.Date(): st.dates(),
        pl.Time(): moments.map(lambda moment: moment.time()),
        MOMENT: moments,
    }
    return st.none() | plain[dtype]


def rows_of(schema: Mapping[str, Any], moments: st.SearchStrategy[Any]) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(record_of(schema, moments), max_size=6)


ROWS = st.one_of(rows_of(SCHEMA, WHOLE), rows_of(SCHEMA, st.datetimes(timezones=st.just(UTC))))


def lines_of(rows: list[dict[str, Any]]) -> bytes:
    return msgspec.json.Encoder().encode_lines(rows)


def frame_of(rows: list[dict[str, Any]], schema: Mapping[str, Any] = SCHEMA) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=dict(schema), orient="row")


def text_of(made: Encoder, frames: list[pl.DataFrame]) -> bytes:
    """The whole file of some shards."""
    blocks, offset = [], len(made.header())
    for frame in frames:
        done = made.encode(frame)
        blocks.append((offset, done))
        offset += len(done.data)
    footer = made.footer([(at, done.footer, done.rows) for at, done in blocks])
    return b"".join([made.header(), *(done.data for _, done in blocks), footer])


def by_sink(format: str, lines: bytes, schema: Mapping[str, Any] = SCHEMA, compression: str = "none") -> bytes:
    """What the row-by-row path writes."""
    stream = io.BytesIO()
    out = sink.resolve(format)(stream, dict(schema), compression)
    out.open()
    out.write(lines, lines.count(b"\n"))
    out.close()
    return stream.getvalue()


def query(text: str) -> duckdb.DuckDBPyRelation:
    relation = duckdb.sql(text)
    assert relation is not None
    return relation


def reference(n: int = 2000, seed: int = 0) -> pl.DataFrame:
    """Rows with a text column, one of few texts, numbers, a moment, nulls, an object and a list."""
    rng = np.random.default_rng(seed)
    numbers = rng.integers(0, 10**9, n)
    seconds = pl.Series(rng.integers(10**9, 2 * 10**9, n) * 10**6).cast(MOMENT)
    return pl.DataFrame(
        {
            "id": pl.Series(np.arange(n) + seed * n),
            "name": pl.Series([f"name {number}" for number in numbers]),
            "state": pl.Series(np.array(["on", "off", "lost"])[numbers % 3].tolist()),
            "price": np.round(rng.gamma(2, 50, n), 2),
            "seen": seconds,
            "few": pl.Series([None if number % 7 else number for number in numbers.tolist()], dtype=pl.Int64),
            "o": pl.Series([None if k % 5 == 0 else {"a": k % 9, "b": f"{k % 4}"} for k in numbers.tolist()]),
            "l": pl.Series([[k % 3] * (k % 4) if k % 6 else None for k in numbers.tolist()], dtype=pl.List(pl.Int64)),
        }
    )


@settings(max_examples=150, deadline=None)
@given(ROWS)
def test_jsonl_is_what_msgspec_writes(rows: list[dict[str, Any]]) -> None:
    made = encoder("jsonl", SCHEMA, {}, "none").encode(frame_of(rows))
    assert made.data == lines_of(rows)
    assert (made.rows, made.footer) == (len(rows), b"")


@settings(max_examples=150, deadline=None)
@given(ROWS)
def test_csv_is_what_its_sink_writes(rows: list[dict[str, Any]]) -> None:
    assert text_of(encoder("csv", SCHEMA, {}, "none"), [frame_of(rows)]) == by_sink("csv", lines_of(rows))


@pytest.mark.parametrize("name", list(SCHEMA))
@pytest.mark.parametrize("format", ["jsonl", "csv"])
def test_each_type_alone(format: str, name: str) -> None:
    schema = {name: SCHEMA[name]}
    made = encoder(format, schema, {}, "none")

    @settings(max_examples=25, deadline=None)
    @given(st.one_of(rows_of(schema, WHOLE), rows_of(schema, st.datetimes(timezones=st.just(UTC)))))
    def same(rows: list[dict[str, Any]]) -> None:
        assert text_of(made, [frame_of(rows, schema)]) == by_sink(format, lines_of(rows), schema)

    same()


def test_many_rows_through_tables_are_the_same() -> None:
    frame = reference(5000)
    expected = lines_of(frame.to_dicts())
    made = encoder("jsonl", frame.schema, {}, "none")
    assert text_of(made, [frame.slice(at, 777) for at in range(0, 5000, 777)]) == expected
    assert made.encode(frame.select(frame.columns[::-1])).data == expected


def test_control_characters_in_text_and_large_numbers_beside_it() -> None:
    schema: dict[str, Any] = {"s": pl.String(), "x": pl.Float64()}
    rows = [{"s": chr(code) + "e+", "x": x} for code in [*range(256), 0x2028, 0xFEFF] for x in (1.0, 1e16)]
    assert encoder("jsonl", schema, {}, "none").encode(frame_of(rows, schema)).data == lines_of(rows)
    assert text_of(encoder("csv", schema, {}, "none"), [frame_of(rows, schema)]) == by_sink(
        "csv", lines_of(rows), schema
    )


FORMATS = ["%d.%m.%Y", "%A, %-d. %B %y", "%d/%m/%Y %H:%M:%S", "%H:%M", "%S.%fs on %j", "%c", "100%% %I %p %Z%z", "%s%"]


@settings(max_examples=60, deadline=None)
@given(
    rows_of(
        {name: SCHEMA[name] for name in ("born", "seen", "at", "o", "days", "os")},
        st.datetimes().map(lambda moment: moment.replace(tzinfo=UTC)),
    ),
    st.sampled_from(FORMATS),
)
def test_formats_are_strftime(rows: list[dict[str, Any]], format: str) -> None:
    schema = {name: SCHEMA[name] for name in ("born", "seen", "at", "o", "days", "os")}
    formats = dict.fromkeys(["born", "seen", "at", "o.d", "days", "os.m"], format)

    def shown(value: Any) -> Any:
        return None if value is None else written(value, format)

    expected = [
        row
        | {name: shown(row[name]) for name in ("born", "seen", "at")}
        | {"o": row["o"] and {**row["o"], "d": shown(row["o"]["d"])}}
        | {"days": None if row["days"] is None else [shown(day) for day in row["days"]]}
        | {"os": None if row["os"] is None else [o and {**o, "m": shown(o["m"])} for o in row["os"]]}
        for row in rows
    ]
    assert encoder("jsonl", schema, formats, "none").encode(frame_of(rows, schema)).data == lines_of(expected)
    types = {name: written_type(dtype, formats, name) for name, dtype in schema.items()}
    csv = by_sink("csv", lines_of(expected), types)
    assert text_of(encoder("csv", schema, formats, "none"), [frame_of(rows, schema)]) == csv
    parquet = pl.read_parquet(
        io.BytesIO(text_of(encoder("parquet", schema, formats, "zstd"), [frame_of(rows, schema)]))
    )
    assert parquet.to_dicts() == frame_of(expected, types).to_dicts()
    assert parquet.schema == types


@pytest.mark.parametrize("format", ["%d.%m.%Y", "%d.%m.%Y %H:%M:%S.%f"])
def test_formats_of_many_rows(format: str) -> None:
    frame = reference(3000).select("seen")
    texts = [{"seen": written(moment, format)} for moment in frame["seen"].to_list()]
    assert encoder("jsonl", frame.schema, {"seen": format}, "none").encode(frame).data == lines_of(texts)


def test_a_format_is_cut_where_it_hangs_on_something_else() -> None:
    assert pieces_of("%Y-%m-%dT%H:%M:%S.%fZ") == [
        ("day", "%Y-%m-%dT"),
        ("second", "%H:%M:%S."),
        ("micro", "%f"),
        ("day", "Z"),
    ]
    assert pieces_of("%-d %Ey%%\n") == [("day", "%-d %Ey%%\n")]
    assert pieces_of("at %s") == [("day", "at "), ("whole", "%s")]


def test_a_table_makes_a_span_once() -> None:
    made: list[int] = []

    def make(numbers: Any) -> pl.Series:
        made.extend(numbers.tolist())
        return pl.Series([f"{n}" for n in numbers.tolist()], dtype=pl.String)

    def texts(numbers: list[int]) -> list[str]:
        return table.texts(np.array(numbers)).to_list()

    table = Table(make)
    assert texts([5, 7, 5]) == ["5", "7", "5"] and made == [5, 6, 7]
    assert texts([9, 3]) == ["9", "3"] and made[3:] == [3, 4, 8, 9]
    assert texts([4, 6]) == ["4", "6"] and len(made) == 7
    assert texts([SPAN, 0, SPAN]) == [f"{SPAN}", "0", f"{SPAN}"] and made[7:] == [0, SPAN]


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
@pytest.mark.parametrize("format", ["jsonl", "csv"])
def test_compressed_text_is_the_text(format: str, compression: str) -> None:
    frame = reference(2000)
    plain = text_of(encoder(format, frame.schema, {}, "none"), [frame, frame])
    open_up = {"gzip": gzip.decompress, "zstd": pyzstd.decompress}[compression]
    made = encoder(format, frame.schema, {}, compression)
    packed = text_of(made, [frame, frame])
    assert open_up(packed) == plain and len(packed) < len(plain) / 2
    assert packed == text_of(encoder(format, frame.schema, {}, compression), [frame, frame])
    assert (
        open_up(made.encode(frame).data)
        == text_of(encoder(format, frame.schema, {}, "none"), [frame])[
            len(encoder(format, frame.schema, {}, "none").header()) :
        ]
    )
    none = text_of(made, [])
    assert open_up(none) == by_sink(format, b"", frame.schema) and none
    assert text_of(made, [frame.clear()]) == none


@pytest.mark.parametrize(
    ("compression", "magic"), [("gzip", b"\x1f\x8b\x08\0\0\0\0\0\0\xff"), ("zstd", b"\x28\xb5\x2f\xfd")]
)
def test_text_beyond_a_piece_is_independent_pieces(
    monkeypatch: pytest.MonkeyPatch, compression: str, magic: bytes
) -> None:
    monkeypatch.setattr(block, {"gzip": "MEMBER", "zstd": "FRAME"}[compression], 50_000)
    frame = reference(2000)
    size = len(encoder("jsonl", frame.schema, {}, "none").encode(frame).data)
    packed = encoder("jsonl", frame.schema, {}, compression).encode(frame).data
    assert packed.count(magic) >= -(-size // 50_000) > 1
    assert pl.read_ndjson(packed).height == 2000


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_parquet_of_many_groups_reads_back(tmp_path: Path, compression: str) -> None:
    frames = [reference(400, seed) for seed in range(20)]
    frames.insert(3, frames[0].clear())
    path = tmp_path / "out.parquet"
    path.write_bytes(text_of(encoder("parquet", frames[0].schema, {}, compression), frames))
    whole = pl.concat(frames)
    assert pl.read_parquet(path).equals(whole)
    assert pl.scan_parquet(path).filter(pl.col("id").is_between(3990, 4010)).collect().equals(whole[3990:4011])
    found = query(f"select sum(price), count(few), sum(o.a), sum(len(l)), count(distinct state) from '{path}'")
    expected = (
        pytest.approx(whole["price"].sum()),
        whole["few"].count(),
        whole["o"].struct.field("a").sum(),
        whole["l"].list.len().sum(),
        3,
    )
    assert found.fetchall() == [expected]
    some = query(f"select id, name, state, o.b, l from '{path}' where id between 3990 and 4010 order by id")
    rows = [(row["id"], row["name"], row["state"], (row["o"] or {}).get("b"), row["l"]) for row in whole.to_dicts()]
    assert some.fetchall() == rows[3990:4011]
    seen = query(f"select min(epoch_us(seen)), max(epoch_us(seen)) from '{path}'").fetchall()
    assert seen == [(whole["seen"].to_physical().min(), whole["seen"].to_physical().max())]


def test_parquet_says_where_everything_is(tmp_path: Path) -> None:
    frames = [reference(400, seed) for seed in range(3)]
    path = tmp_path / "out.parquet"
    path.write_bytes(text_of(encoder("parquet", frames[0].schema, {}, "zstd"), frames))
    columns = (
        "row_group_id, path_in_schema, row_group_num_rows, file_offset, data_page_offset, dictionary_page_offset, "
        "total_compressed_size, stats_min_value, encodings"
    )
    found = query(f"select {columns} from parquet_metadata('{path}') order by row_group_id, column_id").fetchall()
    assert [row[0] for row in found if row[1] == "id"] == [0, 1, 2]
    assert [row[7] for row in found if row[1] == "id"] == ["0", "400", "800"]
    assert {row[2] for row in found} == {400}
    starts = [row[5] or row[4] for row in found]
    ends = [start + row[6] for start, row in zip(starts, found, strict=True)]
    assert starts[0] == 4 and all(end <= start for end, start in zip(ends, starts[1:], strict=False))
    assert ends[-1] < path.stat().st_size
    assert all("DICTIONARY" in row[8] for row in found if row[1] == "state")


def test_parquet_of_no_rows_has_its_types(tmp_path: Path) -> None:
    path = tmp_path / "out.parquet"
    for frames in ([], [frame_of([])]):
        path.write_bytes(text_of(encoder("parquet", SCHEMA, {"born": "%d.%m."}, "zstd"), frames))
        assert dict(pl.read_parquet(path).schema) == SCHEMA | {"born": pl.String()}
        assert query(f"select count(*) from '{path}'").fetchall() == [(0,)]


@settings(max_examples=30, deadline=None)
@given(st.lists(ROWS, max_size=4))
def test_parquet_values_survive(shards: list[list[dict[str, Any]]]) -> None:
    frames = [frame_of(rows) for rows in shards]
    read = pl.read_parquet(io.BytesIO(text_of(encoder("parquet", SCHEMA, {}, "zstd"), frames)))
    assert read.to_dicts() == [row for rows in shards for row in rows]


def test_offsets_beyond_32_bits() -> None:
    frame = reference(10)
    made = encoder("parquet", frame.schema, {}, "zstd")
    done = made.encode(frame)
    near, far = (made.footer([(at, done.footer, 10)]) for at in (4, 5_000_000_004))
    moved = [b - a for a, b in zip(offsets_of(near), offsets_of(far), strict=True)]
    assert len(moved) > frame.width and set(moved) == {5_000_000_000}


def offsets_of(end: bytes) -> list[int]:
    """The offsets in a footer, decoded again."""
    schema = reference(10).schema
    split = parquet_join.Frame(text_of(encoder("parquet", schema, {}, "zstd"), []))
    data = b"PAR1" + end
    cut_from = parquet_join.Reader(parquet_join.footer_of(data), len(split.before))
    for number, kind, _ in cut_from.fields(2):
        if number == 4:
            assert cut_from.size() == 1
            break
        cut_from.skip(kind)
    return parquet_join.Cut(cut_from).offsets


def test_a_row_group_of_chunks_is_one() -> None:
    whole = reference(1000)
    cut = pl.concat([whole[:300], whole[300:]], rechunk=False)
    for format in BLOCKS:
        made = encoder(format, whole.schema, {}, "none")
        assert made.encode(cut).data == made.encode(whole).data


@pytest.mark.parametrize("format", list(BLOCKS))
def test_what_can_not_be_is_refused(format: str) -> None:
    with pytest.raises(UsageError, match="lz4"):
        encoder(format, {"id": pl.Int64()}, {}, "lz4")
    with pytest.raises(InternalError, match="id was drawn as"):
        encoder(format, {"id": pl.Int64()}, {}, "none").encode(pl.DataFrame({"id": ["1"]}))
    if format != "parquet":
        with pytest.raises(InternalError, match="UTC"):
            encoder(format, {"m": pl.Datetime("ns")}, {}, "none")


def test_csv_columns_that_collide_are_refused() -> None:
    with pytest.raises(UsageError, match=r"a\.b"):
        encoder("csv", {"a.b": pl.String(), "a": pl.Struct({"b": pl.String()})}, {}, "none")


def test_a_file_of_another_schema_is_refused() -> None:
    def file(frame: pl.DataFrame, rows: int = 1000) -> bytes:
        packed = io.BytesIO()
        frame.write_parquet(packed, row_group_size=rows)
        return packed.getvalue()

    frame = parquet_join.Frame(file(pl.DataFrame(schema={"a": pl.Int64()})))
    with pytest.raises(InternalError, match="another schema"):
        frame.split(file(pl.DataFrame({"b": [1]})))
    with pytest.raises(InternalError, match="several"):
        frame.split(file(pl.DataFrame({"a": range(10)}), 5))


@pytest.mark.parametrize("value", [0, 1, -1, 127, 128, -(2**63), 2**63 - 1])
def test_integers_of_thrift(value: int) -> None:
    reader = parquet_join.Reader(parquet_join.zigzag(value))
    assert reader.integer() == value and reader.at == len(reader.data)


def test_moments_at_the_ends_of_the_calendar() -> None:
    ends = [datetime.min, datetime.max, datetime.max.replace(microsecond=0), datetime(1969, 12, 31, 23, 59, 59, 1)]
    rows = [{"m": end.replace(tzinfo=UTC), "d": end.date(), "t": end.time()} for end in ends]
    rows += [{"m": datetime(1970, 1, 1, tzinfo=UTC) + timedelta(n), "d": date(999, 1, 1), "t": time()} for n in (-1, 0)]
    schema: dict[str, Any] = {"m": MOMENT, "d": pl.Date(), "t": pl.Time()}
    for count in (1, len(rows), len(rows) * 700):
        many = (rows * 700)[:count]
        assert encoder("jsonl", schema, {}, "none").encode(frame_of(many, schema)).data == lines_of(many)
