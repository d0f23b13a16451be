"""Asked fields of drawn rows, made again from kept replies: the asking of a hybrid run, with nobody to ask."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import orjson
import polars as pl
from msgspec import Struct, structs

from ffgen.ask.replies import Replies
from ffgen.errors import EndpointError
from ffgen.plan.compile import Plan
from ffgen.plan.hybrid import asked_fields, asked_tables, fallbacks, known_of, paired_plan, shown_fields
from ffgen.plan.tables import Layout
from ffgen.rng import U64
from ffgen.run.answers import Answers, AnswerWriter
from ffgen.run.asking import Asker, UnderWay
from ffgen.run.audit import Audit
from ffgen.run.cache import path_of
from ffgen.run.carry import crew_for, setups_for
from ffgen.run.complete import spans, wanted_rows
from ffgen.run.desk import Gone, endpoint_for
from ffgen.run.endpoints import Endpoints
from ffgen.run.explain.redraw import memory_for
from ffgen.run.given import parts_of
from ffgen.run.hand import Hand
from ffgen.run.judging import Judge
from ffgen.run.messages import Answered
from ffgen.run.moves import AskShard
from ffgen.run.options import TIME_LIMIT, Options, run_to_end


class Said(Struct, frozen=True):
    """What a reply says of a given row: `line` is it as it was read. `position` counts from 0 among its valid rows."""

    shard: int
    attempt: int
    key: bytes
    seed: int
    model: str
    api: str
    position: int
    rows: int
    asked: int
    tokens_in: int
    tokens_out: int
    broken: bool
    line: bytes


class Ear:
    """Hears of what became of every reply of a hybrid table. This one does nothing."""

    shard = 0
    """The one that is being judged."""

    def refused(self, shard: int, attempt: int, why: Sequence[tuple[str, str, int]], text: str) -> None:
        """Rows of a reply that are no answers: how many, by field and reason. `text` is what the model said."""

    def said(self, row: int, said: Said) -> None:
        """A reply has an answer for a row that has none yet."""

    def judged(self, rows: U64, frame: pl.DataFrame, why: Sequence[str]) -> None:
        """Rows with their answers were judged; the reason is empty for those that stand."""


class Overheard(Judge):
    """A judge whose verdicts somebody hears."""

    ear: Ear
    takes_all = False

    def judge(self, index: U64, frame: pl.DataFrame) -> list[str]:
        why = super().judge(index, frame)
        self.ear.judged(index, frame, why)
        return why


class Rereader(Asker):
    """An asker that has kept replies alone. What was never answered is made by fallbacks, as when all endpoints are
    given up; EndpointError where there are none."""

    ear: Ear

    def _send(self, command: AskShard, body: bytes) -> None:
        if self._can_do_without():
            self._do_without()
        else:
            self.broke(EndpointError(f"the reply of shard {command.shard} is kept no more"))

    def _use(self, message: Answered, asked: bool) -> None:
        here = self.under_way.get(message.shard)
        if here is not None and not self.state.ended:
            self._tell(message, here)
        super()._use(message, asked)

    def _judge(self, shard: int) -> None:
        self.ear.shard = shard
        super()._judge(shard)

    def _tell(self, message: Answered, here: UnderWay) -> None:
        made, key, endpoint = message.made, self._keys[message.shard], self.endpoints.first
        text = self.paired.dialect.read(self.replies.get(key) or b"").text
        self.ear.refused(message.shard, message.attempt, made.refused, text)
        for position, line in enumerate(made.batch.lines.splitlines()):
            number = int(orjson.loads(line)[self.record.names[0]])
            if number in here.lines:
                continue
            said = Said(
                shard=message.shard,
                attempt=message.attempt,
                key=key,
                seed=self.plan.shards.seed_of(message.shard, message.attempt),
                model=endpoint.model,
                api=endpoint.api,
                position=position,
                rows=made.batch.rows,
                asked=len(here.part.index) if here.given is None else len(here.given.numbers),
                tokens_in=made.tokens_in,
                tokens_out=made.tokens_out,
                broken=made.broken,
                line=line,
            )
            self.ear.said(int(here.part.index[number - 1]), said)


def rewritten(plan: Plan, tables: Sequence[str], cache: str | None, folder: str, ears: dict[str, Ear]) -> Plan:
    """The plan with what a model wrote for some tables in `folder`, its pools being filled; `ears` hear of the replies
    of theirs. Raises `Gone` where a reply is kept no more. The order is that of `complete.ask_rows`."""
    asked = [table.name for table in asked_tables(plan.spec) if table.name in tables]
    if not asked:
        return plan
    hand, done = Hand(plan, memory_for(plan), folder), []
    for layout in plan.layouts:
        if layout.table in asked:
            reread(plan, layout, hand, cache, ears.get(layout.table, Ear()))
            done.append(layout.table)
            hand.recipes.answers = Answers(folder, done).get
        if hand.is_needed(layout.table):
            for _ in hand.shards(layout):
                pass
    return structs.replace(plan, answers=folder)


def reread(plan: Plan, layout: Layout, hand: Hand, cache: str | None, ear: Ear) -> None:
    """One table's answers, as `complete.ask_table` has them. In a thread of its own: whoever asks may have a loop."""
    try:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(run_to_end, lambda: _reread(plan, layout, hand, cache, ear)).result()
    except EndpointError as error:
        raise Gone(error.what) from error


async def _reread(plan: Plan, layout: Layout, hand: Hand, cache: str | None, ear: Ear) -> None:
    recipe, table = hand.recipes.recipes[layout.table], layout.table
    small, known = asked_part(plan, layout, hand), known_of(recipe)
    schema = {name: recipe.samplers[name].kind.value_dtype() for name in recipe.asked}
    writer = AnswerWriter(hand.folder, table, schema)
    if not small.shards.count:
        writer.close(layout.count)
        return
    if not os.path.exists(path_of(cache)):
        raise Gone(f"no replies are kept in {os.path.dirname(path_of(cache))}")
    options = Options(workers=0)
    with Replies.open(path_of(cache)) as replies:
        endpoint = endpoint_for(plan, replies)
        if endpoint is None:
            raise Gone(f"it isn't known any more which model wrote this, in {os.path.dirname(path_of(cache))}")
        plain = bool((replies.recall(endpoint.url) or {}).get("plain"))
        endpoints = Endpoints([endpoint], EndpointError("nobody is asked"), plain)
        judge = Overheard(recipe, memory_for(plan), hand.folder)
        judge.ear = ear
        crew = crew_for(small, options, None)
        parts = parts_of(spans(hand, layout), recipe.asked, shown_fields(recipe), small.shards.batch_size)
        asker = Rereader(
            small,
            crew,
            endpoints,
            replies,
            recipe=recipe,
            parts=parts,
            known=known,
            fallbacks=fallbacks(hand.recipes, table),
            judge=judge,
            writer=writer,
            fresh=False,
            audit=Audit(None, None, plan.spec_hash),
            limit=TIME_LIMIT,
        )
        asker.ear = ear
        setup = setups_for(small, options, endpoints, None, None, "jsonl", "none")["worker"]
        try:
            await asker.carry_out({"worker": structs.replace(setup, known=known)}, TIME_LIMIT, None)
        finally:
            await crew.leave()
            judge.close()
    writer.close(layout.count)


def asked_part(plan: Plan, layout: Layout, hand: Hand) -> Plan:
    """The plan of a table's asked part: cut into the requests of its rows."""
    recipe = hand.recipes.recipes[layout.table]
    count = layout.count
    if any(field.may_be_null for field in asked_fields(recipe.dataset)):
        count = sum(wanted_rows(frame, recipe.asked) for frame in hand.shards(layout))
    return paired_plan(plan, recipe, count, next(hand.shards(layout), pl.DataFrame(schema=recipe.schema())))
