"""Records: one hash whichever way, one verdict whichever way, key sets, and what is written."""

import json
import unicodedata
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.spec.drawn import tables

from ffgen.batch import canonical_texts, encode_sorted, hash_text, hash_texts
from ffgen.spec import record as module
from ffgen.spec.model import Dataset, Field
from ffgen.spec.record import Misfit, RecordType

Row = list[Any]


def record_of(*fields: dict[str, Any], making: bool = True, **options: Any) -> RecordType:
    made = msgspec.convert([{"name": f"f{i}"} | field for i, field in enumerate(fields)], list[Field])
    return RecordType(Dataset(fields=made, **options), making=making)


def keys(record: RecordType, *rows: Row) -> list[list[int]]:
    checked = record.check([record.coerce(row)[0] for row in rows])
    assert checked.bad == []
    table: list[list[int]] = checked.batch.key_table().tolist()
    return table


def good(record: RecordType, rows: list[Row]) -> list[Any]:
    cells = []
    for row in rows:
        try:
            cells.append(record.coerce(row)[0])
        except Misfit:
            continue
    return cells


@settings(max_examples=150, deadline=None)
@given(tables(flat=True))
def test_rows_hashed_in_columns_and_one_by_one_have_one_hash(table: tuple[Dataset, list[Row]]) -> None:
    record = RecordType(table[0])
    cells = good(record, table[1])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "COLUMNAR", 0)
        in_columns = record.check(cells).batch
        patch.setattr(module, "COLUMNAR", 10**9)
        assert record.check(cells).batch == in_columns


@settings(max_examples=150, deadline=None)
@given(tables(flat=True))
def test_canonical_texts_of_a_frame_are_those_of_its_records(table: tuple[Dataset, list[Row]]) -> None:
    record = RecordType(table[0], making=False)
    columns, _ = record._settle([cells for cells in good(record, table[1]) if not record.check([cells]).bad])
    texts = canonical_texts(record._frame(columns))
    entries = [record.entry(*row) for row in zip(*columns, strict=True)]
    assert [text.encode() for text in texts] == [encode_sorted(entry) for entry in entries]
    assert hash_texts(texts).tolist() == [hash_text(encode_sorted(entry)) for entry in entries]


@settings(max_examples=300, deadline=None)
@given(tables())
def test_the_typed_decoder_and_the_slow_way_give_one_verdict(table: tuple[Dataset, list[Row]]) -> None:
    dataset, rows = table
    record = RecordType(dataset)
    decoder = msgspec.json.Decoder(record.row)
    for row in rows:
        text = msgspec.json.encode(row)
        try:
            fast = decoder.decode(text)
        except msgspec.ValidationError:
            continue  # then the slow way decides alone
        quick = record.check([msgspec.structs.astuple(fast)])
        try:
            cells, converted = record.coerce(json.loads(text))
        except Misfit:
            assert quick.bad and quick.batch.rows == 0
            continue
        slow = record.check([cells])
        assert slow.batch == quick.batch and slow.bad == quick.bad
        assert converted + slow.converted == quick.converted


@settings(max_examples=120, deadline=None)
@given(tables())
def test_what_is_written_reads_back_as_the_same_record(table: tuple[Dataset, list[Row]]) -> None:
    record = RecordType(table[0], making=False)
    checked = record.check(good(record, table[1]))
    raw = [json.loads(line) for line in checked.batch.lines.splitlines()]
    again = record.check([record.coerce(row)[0] for row in raw])
    assert again.batch == checked.batch and again.converted == 0


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip))
def test_text_is_hashed_in_nfc_and_trimmed(text: str) -> None:
    record = record_of({"length": [0, 1000]})
    forms = [unicodedata.normalize(form, text) for form in ("NFC", "NFD")] + [f" {text}\n"]
    assert len({keys(record, [form])[0][0] for form in forms}) == 1


def test_the_canonical_record_knows_no_spelling_of_a_value() -> None:
    integer, number = record_of({"type": "integer"}), record_of({"type": "number"})
    assert keys(integer, [1]) == keys(integer, [1.0]) == keys(integer, ["1"])
    assert keys(number, [-0.0]) == keys(number, [0]) and keys(number, [5]) == keys(number, [5.0])
    pair = record_of({}, {"nullable": True})
    assert keys(pair, ["a", None]) == keys(pair, {"f0": "a"})  # type: ignore[arg-type]
    assert keys(pair, ["a", "B"]) != keys(pair, ["a", "b"])
    moment = record_of({"type": "datetime"})
    assert keys(moment, ["2024-01-01T02:00:00+02:00"]) == keys(moment, ["2024-01-01T00:00:00"])
    assert keys(record_of({"type": "enum", "values": [1, 2.5]}), [1]) == keys(number, [1])


def test_a_known_record_has_a_known_hash() -> None:
    """Kept replies and checkpoints outlive a version of ffgen: this must not change unnoticed."""
    record = record_of({}, {"type": "integer"})
    assert keys(record, ["a", 7]) == [[hash_text(b'{"f0":"a","f1":7}')]] == [[0x392557F8167A0076]]
    dated = record_of({}, {"type": "date", "format": "%d.%m.%Y"})
    assert keys(dated, ['"Ö"', "2024-02-29"]) == [[hash_text('{"f0":"\\"Ö\\"","f1":"2024-02-29"}'.encode())]]


def test_fields_that_are_unique_have_a_set_of_their_own_and_nulls_none() -> None:
    record = record_of({"unique": True, "nullable": True}, {"type": "integer"})
    assert record.sets == 2
    first, second = keys(record, [None, 1], [None, 2])
    assert first[1] == second[1] == 0 and first[0] != second[0]
    assert keys(record, ["a", 1])[0][1] == keys(record, ["a", 2])[0][1] != 0


@pytest.mark.parametrize(
    ("fields", "unique_by", "sets"),
    [
        ([{}, {}], None, [[0, 1]]),
        ([{"unique": True}, {}], None, [0]),
        ([{"unique": True, "nullable": True}, {}], None, [[0, 1], 0]),
        ([{}, {}], ["f1"], [[1]]),
        ([{}, {}, {}], ["f2", "f0", "f2"], [[0, 2]]),
        ([{}, {"unique": True}], ["f0"], [[0], 1]),
        ([{}, {"unique": True}], ["f0", "f1"], [1]),
        ([{"unique": True, "nullable": True}], None, [[0], 0]),
        ([{"unique": True}, {"unique": True}], None, [0, 1]),
    ],
)
def test_key_sets(fields: list[dict[str, Any]], unique_by: list[str] | None, sets: list[Any]) -> None:
    assert record_of(*fields, unique_by=unique_by).key_fields == sets


def test_unique_by_looks_at_its_fields_only_in_both_ways_of_hashing() -> None:
    record = record_of({}, {"type": "object", "fields": [{"name": "x"}]}, {"type": "integer"}, unique_by=["f0", "f2"])
    rows = [["a", {"x": "1"}, 5], ["a", {"x": "2"}, 5], ["a", {"x": "1"}, 6]]
    one, two, three = keys(record, *rows)
    assert one == two != three
    many = record.check([record.coerce(rows[0])[0]] * module.COLUMNAR).batch.key_table()
    assert np.unique(many).tolist() == one


def test_lines_stand_in_the_spec_s_order_and_format_changes_the_line_not_the_hash() -> None:
    plain = record_of({"name": "z"}, {"name": "when", "type": "date"})
    written = record_of({"name": "z"}, {"name": "when", "type": "date", "format": "%d/%m/%y"})
    rows = [["a", "2024-02-29"]]
    assert plain.check([plain.coerce(rows[0])[0]]).batch.lines == b'{"z":"a","when":"2024-02-29"}\n'
    assert written.check([written.coerce(rows[0])[0]]).batch.lines == b'{"z":"a","when":"29/02/24"}\n'
    assert keys(plain, *rows) == keys(written, *rows)


def test_require_refuses_rows_with_its_own_text() -> None:
    inner = {"type": "object", "fields": [{"name": "since", "type": "date", "format": "%d.%m.%Y"}]}
    record = record_of({}, {"type": "integer"}, inner, require=["LENGTH(f0) > 1", "f2.since > DATE '2024-01-01'"])
    rows = [["ab", 1, {"since": "2024-05-05"}], ["a", 2, {"since": "2024-05-05"}], ["ab", 3, {"since": "2023-05-05"}]]
    checked = record.check([record.coerce(row)[0] for row in rows])
    assert checked.bad == [(1, "require", "LENGTH(f0) > 1"), (2, "require", "f2.since > DATE '2024-01-01'")]
    assert checked.batch.rows == 1 and b"05.05.2024" in checked.batch.lines


def test_a_refused_row_is_counted_once_for_its_first_fault() -> None:
    record = record_of({"type": "email"}, {"type": "integer", "range": [1, 5]})
    checked = record.check([("not one", 9), ("a@example.com", 9), ("a@example.com", 2)])
    assert checked.bad == [(0, "f0", "format"), (1, "f1", "range")]
    assert sum(checked.refused.values()) == 2 and checked.batch.rows == 1


def test_raw_rows_of_another_shape_are_refused() -> None:
    record = record_of({}, {"nullable": True})
    for raw, field, reason in [
        (["a"], "", "shape"), (["a", None, "c"], "", "shape"), ("a", "", "shape"), (None, "", "shape"),
        ({"f0": "a", "f9": 1}, "f9", "unknown"), ({"f1": "a"}, "f0", "null"), ([None, None], "f0", "null"),
    ]:  # fmt: skip
        with pytest.raises(Misfit) as caught:
            record.coerce(raw)
        assert (caught.value.field, caught.value.reason) == (field, reason)


def test_no_rows_are_an_empty_batch() -> None:
    record = record_of({}, {"unique": True}, require="f0 <> f1")
    batch = record.check([]).batch
    assert (batch.lines, batch.rows, batch.key_table().shape) == (b"", 0, (0, 1))
