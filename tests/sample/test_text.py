"""Text from parts: templates, words, sentences."""

import re
import unicodedata
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest
import yaml
from tests.sample.drive import bound, drawn, drawn_table, keyed, scope_of

from ffgen.sample import lexicon, resolve
from ffgen.sample.base import Rows
from ffgen.sample.build import build_sampler
from ffgen.sample.sentences import Sentences, endings, openings
from ffgen.sample.text import apart, pool_of, written
from ffgen.spec.model import Dataset, Field
from ffgen.spec.types import Problem

FAMILY = ["template", "words", "sentences"]


def template(text: str, **slots: Any) -> dict[str, Any]:
    return {"name": "template", "text": text, "slots": slots}


@pytest.mark.parametrize("name", FAMILY)
def test_the_example_draws_and_depends_on_the_seed_alone(name: str) -> None:
    made = msgspec.convert(yaml.safe_load(resolve(name).example), list[Field])
    first, again, other = (drawn_table(500, made, seed=seed) for seed in (1, 1, 2))
    assert first.equals(again)
    assert not first.equals(other)
    for text in first.to_series(-1):
        assert text and text == unicodedata.normalize("NFC", text.strip())
    assert drawn_table(0, made).height == 0


def test_a_template_reads_fields_and_draws_from_lists() -> None:
    number = Field(name="number", type="integer", values=[7, 8])
    title = Field(name="title", generator=template("No {number}: {what} {{new}} {what}", what={"tea": 3, "jam": 1}))
    frame = drawn_table(20_000, [title, number])
    parts = frame["title"].str.extract_groups(r"^No (\d): (tea|jam) \{new\} (tea|jam)$").struct.unnest()
    assert (parts["1"].cast(pl.Int64) == frame["number"]).all()
    assert (parts["2"] == "tea").mean() == pytest.approx(0.75, abs=0.01)
    # A slot that comes up twice is drawn twice.
    assert ((parts["2"] == "tea") & (parts["3"] == "tea")).mean() == pytest.approx(0.75**2, abs=0.015)


@pytest.mark.parametrize(
    ("column", "field", "want"),
    [
        (pl.Series([1.5, 2.0, 1e16, 1e-7]), None, ["1.5", "2.0", "1e16", "1e-7"]),
        (pl.Series([True, None]), None, ["true", None]),
        (
            pl.Series([datetime(2024, 1, 2, 3, 4, 5, us, tzinfo=UTC) for us in (0, 120_000)]),
            None,
            ["2024-01-02T03:04:05Z", "2024-01-02T03:04:05.120000Z"],
        ),
        (pl.Series([datetime(2024, 1, 2).date()]), Field(type="date", format="%d.%m.%y"), ["02.01.24"]),
        (pl.Series([datetime(2024, 1, 2, 3, 4, 5, 6).time()]), None, ["03:04:05.000006"]),
    ],
)
def test_values_stand_in_a_template_as_in_the_output(column: pl.Series, field: Field | None, want: list[Any]) -> None:
    assert written(column, field).to_list() == want
    if field is None:
        shown = [None if value is None else msgspec.json.encode(value).decode().strip('"') for value in column]
        assert want == shown


def test_a_null_slot_makes_the_text_null() -> None:
    sampler = build_sampler(
        Field(name="f", generator=template("a {n}")),
        scope_of(Dataset(fields=[Field(name="n", type="integer"), Field(name="f")])),
    )
    rows = Rows(np.arange(2, dtype=np.uint64), (0, "t", 0, 0))
    rows.columns["n"] = pl.Series([1, None])
    assert pl.Series(sampler.draw(rows.stream("f"), 2, rows)).to_list() == ["a 1", None]


def test_a_template_of_lists_can_be_unique() -> None:
    generator = template("{a} {b} {c}", a=[str(i) for i in range(40)], b=[f"x{i}" for i in range(30)], c=["y", "z", ""])
    sampler = bound(generator=generator, unique=True)
    assert sampler.room() == 3600
    assert len(set(keyed(3600, sampler=sampler))) == 3600
    large = bound(generator=template("{a}-{b}-{c}", **{name: [*range(1000)] for name in "abc"}))
    assert large.room() == 10**9
    assert len(set(keyed(5000, sampler=large))) == 5000


def test_texts_that_could_be_made_in_two_ways_are_not_numbered_twice() -> None:
    assert bound(generator=template("{a}{b}", a=["x", "xy"], b=["yz", "z"])).room() == 3
    many = [*map(str, range(1000))]
    assert bound(generator=template("{a}{b}", a=many, b=many)).room() is None
    assert bound(generator=template("{a}", a={"x": 1, "y": 2})).room() is None
    assert not apart(["red", "blue", "reddish"])


def test_a_template_fills_a_type_that_has_a_grammar() -> None:
    generator = template("{who}.{no}@{host}", who=["ann", "ben"], no=[1, 2], host=["example.com", "corp.com"])
    column = drawn(200, type="email", generator=generator)
    assert set(column.str.split("@").list.last()) == {"example.com"}


@pytest.mark.parametrize(
    ("generator", "key", "says"),
    [
        (template("a {nothing}"), "generator.text", "no field nothing"),
        (template("a {f}"), "generator.text", "itself"),
        (template("a {b", b=["x"]), "generator.text", "is no slot"),
        (template("a {} b"), "generator.text", "is no slot"),
        (template("a", b=["x"]), "generator.slots", "b is no slot"),
        (template("a {b}", b=[]), "generator.slots", "empty"),
        (template("a {b}", b={"x": "many"}), "generator.slots", "weight"),
        (template("a {b}", b=[["x"]]), "generator.slots", ""),
        (template(""), "generator.text", ""),
        ({"name": "words", "count": [3, 2]}, "generator.count", "below"),
        ({"name": "words", "count": 0}, "generator.count", ""),
        ({"name": "words", "words": []}, "generator.words", "empty"),
        ({"name": "words", "words": ["a", " "]}, "generator.words", "empty"),
        ({"name": "sentences", "sentences": [2, 1]}, "generator.sentences", "below"),
        ({"name": "sentences", "about": [""]}, "generator.about", "empty"),
    ],
)
def test_what_cannot_be_is_refused(generator: dict[str, Any], key: str, says: str) -> None:
    with pytest.raises(Problem) as caught:
        bound(generator=generator)
    assert caught.value.key == key
    assert says in caught.value.what


def test_a_length_that_no_sentences_have_is_refused() -> None:
    with pytest.raises(Problem, match="the shortest has 16"):
        bound(type="text", length=[1, 12])
    with pytest.raises(Problem, match="2 sentences have no 900"):
        bound(type="text", length=[900, 1000], generator={"name": "sentences", "sentences": 2})


def test_words_are_counted() -> None:
    column = drawn(30_000, generator={"name": "words", "count": [2, 4]})
    counts = column.str.split(" ").list.len()
    assert [(counts == count).mean() for count in (2, 3, 4)] == pytest.approx([1 / 3] * 3, abs=0.01)
    assert set(column.str.split(" ").list.explode()) == set(lexicon.WORDS)
    assert len(lexicon.WORDS) >= 400


def test_words_of_ones_own_by_weight() -> None:
    column = drawn(20_000, generator={"name": "words", "count": 2, "words": {"a": 3, "b": 1}, "separator": "-"})
    assert set(column) == {"a-a", "a-b", "b-a", "b-b"}
    assert (column == "a-a").mean() == pytest.approx(0.75**2, abs=0.015)


def test_words_can_be_unique() -> None:
    sampler = bound(generator={"name": "words", "count": 2, "words": ["a", "b", "ab"]})
    assert sampler.room() == 9
    assert len(set(keyed(9, sampler=sampler))) == 9
    assert bound(generator={"name": "words", "words": ["a", "aa"], "separator": ""}).room() is None


SENTENCE = re.compile(r"[A-Z][A-Za-z, ]+\.")


def test_sentences_are_sentences() -> None:
    texts = drawn(5000, type="text").to_list()
    assert all(re.fullmatch(rf"({SENTENCE.pattern} ?){{1,3}}", text) for text in texts)
    assert {len(SENTENCE.findall(text)) for text in texts} == {1, 2, 3}
    assert not [text for text in texts if "  " in text]


def test_there_are_over_a_million_sentences_each_told_by_its_parts() -> None:
    sampler = bound(type="text", generator={"name": "sentences", "sentences": 1})
    assert (sampler.room() or 0) >= 10**6
    assert apart(openings().first.head(len(openings())).to_list())
    assert len(set(keyed(50_000, sampler=sampler))) == 50_000


def test_unique_texts_of_several_sentences_differ() -> None:
    sampler = bound(type="text")
    texts = keyed(20_000, sampler=sampler)
    assert texts.n_unique() == 20_000
    counts = texts.str.count_matches(r"\.")
    assert [(counts == count).mean() for count in (1, 2, 3)] == pytest.approx([1 / 3] * 3, abs=0.02)


@pytest.mark.parametrize(
    "length",
    [[16, 16], [16, 17], [20, 40], [97, 97], [103, 105], [104, 104], [105, 105], [0, 30], [1, 300], [150, 900]],
)
@pytest.mark.parametrize("about", [[], ["tea", "garden furniture"], ["Überraschung", "x" * 150]])
def test_every_text_has_the_length_of_its_field(length: list[int], about: list[str]) -> None:
    try:
        column = drawn(3000, type="text", length=length, generator={"name": "sentences", "about": about})
    except Problem as problem:
        assert about and length[1] < 20 and "the shortest has" in problem.what
        return
    sizes = column.str.len_chars()
    assert length[0] <= sizes.min() and sizes.max() <= length[1]  # type: ignore[operator]
    assert (sizes > 0).all()
    if length[1] - length[0] > 250:
        # All lengths come up alike, from the shortest sentence on.
        low = max(length[0], 16)
        assert sizes.mean() == pytest.approx((low + length[1]) / 2, rel=0.08)


def test_a_number_of_sentences_within_a_length() -> None:
    column = drawn(2000, type="text", length=[30, 500], generator={"name": "sentences", "sentences": [1, 2]})
    assert column.str.count_matches(r"\.").max() == 2
    assert column.str.len_chars().min() >= 30  # type: ignore[operator]


def test_sentences_are_about_their_topics() -> None:
    texts = drawn(500, type="text", generator={"name": "sentences", "sentences": 1, "about": ["tea", "long leash"]})
    assert texts.str.contains("tea|long leash").all()
    assert texts.str.contains("tea").any() and texts.str.contains("long leash").any()
    many = bound(type="text", generator={"name": "sentences", "about": [f"topic{i}" for i in range(1000)]})
    assert isinstance(many, Sentences)
    assert len(many.endings) < 20_000
    assert drawn(20_000, sampler=many).str.extract_all(r"topic\d+").list.explode().n_unique() == 1000


def test_built_in_phrases_are_clean() -> None:
    phrases = [*lexicon.SUBJECTS, *lexicon.VERBS, *lexicon.OBJECTS, *lexicon.PLACES, *lexicon.TIMES, *lexicon.WORDS]
    assert all(re.fullmatch(r"[A-Za-z]+( [A-Za-z]+)*", phrase) for phrase in phrases)
    assert len(set(lexicon.WORDS)) == len(lexicon.WORDS)
    assert len(endings((), True)) > 4000
    assert not [text for text in endings((), True).first if re.search(r"\b(\w+) \1\b", text)]


def test_a_pool_of_texts_writes_numbers_as_in_json() -> None:
    assert pool_of([1, 2.5, True, "é "]).values.to_list() == ["1", "2.5", "true", "é"]
