"""Answers for drawn rows: a model is asked for their asked fields, in a run before that in which they are written.

As any asked run it is a function of the replies alone: requests hold the drawn values of their rows, a row that is
missing or refused is asked for again with the reasons, and rows are judged in order. What is kept is put into a folder
from which the drawing looks it up (`run.answers`).
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import orjson
import polars as pl

from ffgen.ask.paired import KEYS, Given, Known, in_words
from ffgen.errors import FfgenError, ShortfallError
from ffgen.plan.compile import Plan
from ffgen.plan.recipe import Recipe
from ffgen.rng import U64
from ffgen.run.answers import KEY, MAKER, AnswerWriter
from ffgen.run.endpoints import Endpoints
from ffgen.run.given import Part
from ffgen.run.judging import NEAR, TWIN, Judge
from ffgen.run.messages import Answered
from ffgen.run.moves import Event, Judged, WriteShard, Written
from ffgen.run.records import shortened
from ffgen.run.rowwise import Rowwise
from ffgen.run.subject import Subject
from ffgen.run.tally import Tally
from ffgen.sample.base import Rows, Sampler
from ffgen.sample.cases import hold_field
from ffgen.shard.paired import PairedMaker
from ffgen.sink.frame import frame_of
from ffgen.spec.record import RecordType, Refusals

MOST_TAKEN = 8
"""Texts that a request is told not to use again."""
PLAIN = (pl.String, pl.Int64, pl.Float64, pl.Boolean)
"""Types whose values stand in JSON as they are."""
ASKED = "ask"
"""Who made a value that the model wrote."""


class UnderWay:
    """One request's rows: what they were given, what came, and what stands."""

    def __init__(self, shard: int, part: Part) -> None:
        self.shard = shard
        self.part = part
        self.lines: dict[int, bytes] = {}
        self.done: dict[int, int] = {}
        self.frames: list[pl.DataFrame] = []
        self.refused: Refusals = Counter()
        self.taken: list[str] = []
        self.given: Given | None = None
        self.key = ""

    @property
    def missing(self) -> list[int]:
        """The numbers of rows for which nothing stands yet, and nothing waits to be judged."""
        return [n for n in range(1, len(self.part.index) + 1) if n not in self.done and n not in self.lines]

    def stand(self, numbers: list[int], rows: pl.DataFrame) -> None:
        """These rows are settled."""
        for number in numbers:
            self.done[number] = len(self.done)
        self.frames.append(rows)

    def rows(self) -> pl.DataFrame:
        """What stands, in the rows' order."""
        whole = self.frames[0] if len(self.frames) == 1 else pl.concat(self.frames)
        order = [self.done[number] for number in sorted(self.done)]
        return whole if order == list(range(len(order))) else whole[order]


class Ear(Protocol):
    """Hears of what becomes of every reply."""

    def answered(self, message: Answered, key: bytes, here: UnderWay) -> None:
        """A reply is made into answers, before `here` takes those that it lacks."""

    def judged(self, shard: int, rows: U64, frame: pl.DataFrame, why: Sequence[str]) -> None:
        """Rows with their answers were judged; the reason is empty for those that stand."""


class GivenRows(Subject):
    """See Subject. `parts` gives the rows of each request, in order; `ear` is whoever wants to hear of them."""

    state: Rowwise

    def __init__(
        self,
        plan: Plan,
        endpoints: Endpoints,
        *,
        recipe: Recipe,
        parts: Iterator[Part],
        known: Known,
        fallbacks: Mapping[str, list[Sampler]],
        judge: Judge,
        writer: AnswerWriter,
        ear: Ear | None = None,
    ) -> None:
        self.plan = plan
        self.state = Rowwise.of(plan, len(endpoints.found))
        self.tally = Tally()
        self.paired = PairedMaker(plan, endpoints.first.api, endpoints.first.model, known)
        self.recipe = recipe
        self.asked = recipe.asked
        self.schema = {name: recipe.samplers[name].kind.value_dtype() for name in self.asked}
        self.record = RecordType(plan.dataset)
        fields = {each.name: each for each in recipe.dataset.fields}
        self.texts = [name for name in self.asked if fields[name].unique and fields[name].type in ("string", "text")]
        self.parts = parts
        self.fallbacks = fallbacks
        self.judging = judge
        self.writer = writer
        self.ear = ear
        self.made: dict[str, Counter[str]] = {name: Counter() for name in self.asked}
        self.under_way: dict[int, UnderWay] = {}

    def body(self, shard: int, attempt: int, plain: bool) -> bytes:
        """See Subject."""
        here = self._here(shard)
        part, missing = here.part, here.missing
        here.given = Given(
            missing,
            [part.marks[n - 1] for n in missing],
            [part.shown[n - 1] for n in missing],
            attempt,
            in_words(sorted(here.refused.items())),
            here.taken[-MOST_TAKEN:],
        )
        return self.paired.body(shard, here.given, plain)

    def given(self, shard: int) -> Given | None:
        """See Subject."""
        return self.under_way[shard].given

    def answered(self, message: Answered, key: bytes) -> tuple[int, int]:
        """See Subject."""
        here = self.under_way[message.shard]
        if self.ear is not None:
            self.ear.answered(message, key, here)
        here.refused = Counter()
        for field, reason, count in message.made.refused:
            here.refused[field, reason] += count
        number = self.record.names[0]
        for line in message.made.batch.lines.splitlines():
            here.lines.setdefault(int(orjson.loads(line)[number]), line)
        here.key = key.hex()
        return len(here.part.index) - len(here.missing), sum(map(len, here.lines.values()))

    def judge(self, shard: int) -> Event:
        """See Subject."""
        here = self.under_way[shard]
        self._settle(here, *self._answers(here))
        if here.missing and self.state.is_last_try(shard):
            self._fall_back(here)
            if here.missing:
                raise self._impossible(here)
        return Judged(shard, len(here.done))

    def write(self, command: WriteShard) -> Event:
        """See Subject."""
        here = self.under_way.pop(command.shard)
        rows = here.rows()
        self.writer.put(here.part.index, rows)
        for name in self.asked:
            makers = rows[MAKER + name]
            self.made[name].update(makers.filter(rows[name].is_not_null()) if rows[name].null_count() else makers)
        return Written(self.state.bench.unwritten)

    def finish(self) -> bool:
        """See Subject."""
        return True

    def make_rest(self) -> bool:
        """Fallbacks make all rows that are still to come; answers that are here are used."""
        if not self._can_do_without():
            return False
        self.state.ended = True
        while self.state.counts.admitted < self.plan.shards.count:
            here = self._here(self.state.bench.next)
            self._settle(here, *self._answers(here))
            self._fall_back(here)
            if here.missing:
                raise self._impossible(here)
            self.state.bench.next += 1
            self.state.counts.admitted += len(here.part.index)
            self.write(WriteShard(here.shard, len(here.part.index)))
        return True

    def short(self, replies: list[tuple[int, bytes]]) -> FfgenError:
        """See Subject."""
        return self._impossible(self.under_way[self.state.bench.next])

    def _here(self, shard: int) -> UnderWay:
        if shard not in self.under_way:
            self.under_way[shard] = UnderWay(shard, next(self.parts))
        return self.under_way[shard]

    # Judging

    def _answers(self, here: UnderWay) -> tuple[list[int], pl.DataFrame]:
        """The answers that wait, by number, in their own types."""
        numbers = sorted(here.lines)
        lines = [here.lines.pop(number) for number in numbers]
        names = self.record.names[KEYS:]
        rows = read_lines(lines, {name: self.schema[name] for name in names})
        return numbers, rows.hstack(same({MAKER + name: ASKED for name in names} | {KEY: here.key}, len(rows)))

    def _settle(self, here: UnderWay, numbers: list[int], rows: pl.DataFrame) -> None:
        """Judges some rows; those that are good stand, of the others the reasons are noted."""
        if not numbers:
            return
        places = [number - 1 for number in numbers]
        drawn = here.part.drawn if len(places) == len(here.part.index) else here.part.drawn[places]
        without = [name for name in self.asked if drawn[name].null_count()]
        if without:
            rows = rows.with_columns(
                [pl.when(pl.Series(drawn[name].is_not_null())).then(pl.col(name)).alias(name) for name in without]
            )
        if self.judging.takes_all and self.ear is None:
            here.stand(numbers, rows)
            return
        whole = drawn.with_columns([rows[name] for name in self.asked])
        why = self.judging.judge(here.part.index[places], whole)
        if self.ear is not None:
            self.ear.judged(here.shard, here.part.index[places], whole, why)
        good = [place for place, reason in enumerate(why) if not reason]
        here.stand([numbers[place] for place in good], rows if len(good) == len(rows) else rows[good])
        for place, reason in enumerate(why):
            if reason:
                here.refused["", reason] += 1
                self.tally.refused["", reason] += 1
            if reason in (TWIN, NEAR):
                here.taken += [shortened(rows[name][place] or "") for name in self.texts]

    def _fall_back(self, here: UnderWay) -> None:
        """What the model could not write is drawn by the first fallback whose values are good."""
        if not self._can_do_without():
            return
        for k in range(max(map(len, self.fallbacks.values()))):
            if missing := here.missing:
                places = [number - 1 for number in missing]
                drawn = {name: each[min(k, len(each) - 1)] for name, each in self.fallbacks.items()}
                rows = self._drawn(here.part.index[places], here.part.drawn[places], drawn, here.shard, k)
                self._settle(here, missing, rows)

    def _drawn(
        self, index: U64, drawn: pl.DataFrame, samplers: Mapping[str, Sampler], shard: int, k: int
    ) -> pl.DataFrame:
        columns = []
        for name in self.asked:
            rows = Rows(index, (self.recipe.seed, self.recipe.dataset.name, "fallback", shard, k, name))
            rows.columns = {each: drawn[each] for each in drawn.columns if each not in self.asked}
            columns.append(hold_field(samplers[name], rows, rows.stream()).alias(name))
        makers = {MAKER + name: name_of(samplers[name]) for name in self.asked}
        return pl.DataFrame(columns).hstack(same(makers | {KEY: ""}, len(index)))

    def _can_do_without(self) -> bool:
        return all(self.fallbacks.values())

    def _impossible(self, here: UnderWay) -> ShortfallError:
        first = here.missing[0]
        row = int(here.part.index[first - 1]) + 1
        tries = 1 if here.given is None else here.given.attempt + 1
        most = [(f"{field}: {why}" if field else why, n) for (field, why), n in here.refused.most_common(3)]
        said = ", ".join(f"{why} ({n})" for why, n in most) or "nothing usable"
        fields = ", ".join(f"`{name}`" for name in self.asked[:3])
        fields += f" and {len(self.asked) - 3} more" if len(self.asked) > 3 else ""
        what = f"{self.recipe.dataset.name}: the model gave nothing for {fields} of row {row} "
        what += f"in {tries} ask{'s' * (tries > 1)}: {said}."
        hint = "Loosen what the text must be, give `examples`, lower `min_score`, or name a `fallback`. "
        more = "--max-asks" if self.state.retries < self.plan.model.retries else "`model.retries`"
        hint += f"Replies are kept: --fresh asks anew, and with more {more} the run goes on from there."
        return ShortfallError(what, hint=hint)


def read_lines(lines: list[bytes], schema: Mapping[str, Any]) -> pl.DataFrame:
    """JSON lines in columns of these types. Plain ones are read here: a dozen lines cost polars 250 us."""
    if lines and not all(dtype in PLAIN for dtype in schema.values()):
        return frame_of(b"\n".join(lines), schema)
    rows = [orjson.loads(line) for line in lines]
    return pl.DataFrame({name: [row[name] for row in rows] for name in schema}, schema=schema)


def same(values: Mapping[str, str], rows: int) -> list[pl.Series]:
    """Columns of one text each."""
    return [pl.Series(name, [value], dtype=pl.String).new_from_index(0, rows) for name, value in values.items()]


def name_of(sampler: Sampler) -> str:
    """What a fallback is called in the report: the generator that the spec names."""
    said = sampler.field.generator
    return str(said.get("name")) if isinstance(said, dict) else str(said)
