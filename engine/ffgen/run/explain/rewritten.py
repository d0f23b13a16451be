"""Asked fields of drawn rows, made again from kept replies: the asking of a hybrid run, with nobody to ask."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import orjson
import polars as pl
from msgspec import Struct, structs

from ffgen.ask.probe import Endpoint
from ffgen.ask.replies import Replies
from ffgen.errors import EndpointError
from ffgen.plan.compile import Plan
from ffgen.plan.hybrid import asked_tables
from ffgen.plan.tables import Layout
from ffgen.rng import U64
from ffgen.run.answering import answer, asked_part, in_turn, nothing_answered, wanted_of
from ffgen.run.asking import UnderWay
from ffgen.run.audit import Audit
from ffgen.run.desk import Gone, kept_of
from ffgen.run.endpoints import Endpoints
from ffgen.run.explain.redraw import memory_for
from ffgen.run.hand import Hand
from ffgen.run.means import Means
from ffgen.run.messages import Answered
from ffgen.run.options import Options, run_to_end
from ffgen.shard.asked import dialect_of
from ffgen.spec.record import RecordType


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

    def refused(self, shard: int, attempt: int, why: Sequence[tuple[str, str, int]], text: str) -> None:
        """Rows of a reply that are no answers: how many, by field and reason. `text` is what the model said."""

    def said(self, row: int, said: Said) -> None:
        """A reply has an answer for a row that has none yet."""

    def judged(self, shard: int, rows: U64, frame: pl.DataFrame, why: Sequence[str]) -> None:
        """Rows with their answers were judged; the reason is empty for those that stand."""


class Teller:
    """Tells an ear what the replies of a run say (see asking.Ear). `plan` is that by which they were asked for."""

    def __init__(self, ear: Ear, plan: Plan, endpoint: Endpoint, replies: Replies) -> None:
        self.ear = ear
        self.plan = plan
        self.endpoint = endpoint
        self.replies = replies
        self.dialect = dialect_of(plan, endpoint.api, endpoint.model)
        self.number = RecordType(plan.dataset).names[0]

    def answered(self, message: Answered, key: bytes, here: UnderWay) -> None:
        """See asking.Ear."""
        text = self.dialect.read(self.replies.get(key) or b"").text
        self.ear.refused(message.shard, message.attempt, message.made.refused, text)
        for position, line in enumerate(message.made.batch.lines.splitlines()):
            number = int(orjson.loads(line)[self.number])
            if number not in here.lines:
                self.ear.said(int(here.part.index[number - 1]), self._said(message, key, here, position, line))

    def judged(self, shard: int, rows: U64, frame: pl.DataFrame, why: Sequence[str]) -> None:
        """See asking.Ear."""
        self.ear.judged(shard, rows, frame, why)

    def _said(self, message: Answered, key: bytes, here: UnderWay, position: int, line: bytes) -> Said:
        made = message.made
        return Said(
            shard=message.shard,
            attempt=message.attempt,
            key=key,
            seed=self.plan.shards.seed_of(message.shard, message.attempt),
            model=self.endpoint.model,
            api=self.endpoint.api,
            position=position,
            rows=made.batch.rows,
            asked=len(here.part.index) if here.given is None else len(here.given.numbers),
            tokens_in=made.tokens_in,
            tokens_out=made.tokens_out,
            broken=made.broken,
            line=line,
        )


def rewritten(plan: Plan, tables: Sequence[str], cache: str | None, folder: str, ears: dict[str, Ear]) -> Plan:
    """The plan with what a model wrote for some tables in `folder`, its pools being filled; `ears` hear of the replies
    of theirs. Raises `Gone` where a reply is kept no more."""
    asked = [table.name for table in asked_tables(plan.spec) if table.name in tables]
    if not asked:
        return plan
    hand = Hand(plan, memory_for(plan), folder)
    for layout, is_answered in in_turn(plan, hand, asked):
        if is_answered:
            reread(plan, layout, hand, cache, ears.get(layout.table))
        else:
            for _ in hand.shards(layout):
                pass
    return structs.replace(plan, answers=folder)


def reread(plan: Plan, layout: Layout, hand: Hand, cache: str | None, ear: Ear | None) -> None:
    """One table's answers, as `complete.ask_table` has them. In a thread of its own: whoever asks may have a loop."""
    try:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(run_to_end, lambda: _reread(plan, layout, hand, cache, ear)).result()
    except EndpointError as error:
        raise Gone(error.what) from error


async def _reread(plan: Plan, layout: Layout, hand: Hand, cache: str | None, ear: Ear | None) -> None:
    options = Options(workers=0, memory=memory_for(plan))
    count = await wanted_of(layout, hand, options)
    if not count:
        nothing_answered(layout, hand)
        return
    small, parts = asked_part(plan, layout, hand, count)
    with kept_of(plan, cache) as (replies, endpoint):
        plain = bool((replies.recall(endpoint.url) or {}).get("plain"))
        endpoints = Endpoints([endpoint], EndpointError("nobody is asked"), plain)
        means = Means(replies, Audit(None, None, plan.spec_hash), endpoints, asks=False)
        teller = None if ear is None else Teller(ear, small, endpoint, replies)
        await answer(small, parts, layout, hand, means, options, ear=teller)
