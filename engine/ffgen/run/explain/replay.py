"""An asked table made again from its kept replies, shard by shard, through the same reading, checks and gate. Asks
nobody."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from msgspec import Struct, structs

from ffgen.admit.gate import Gate
from ffgen.ask.reply import Reader, Rows
from ffgen.errors import InternalError
from ffgen.plan.compile import Plan, compile_plan
from ffgen.plan.pools import fields_of_pools, pools_of, with_values, without_pools
from ffgen.plan.strata import Steer
from ffgen.run.desk import Desk, Gone, desk_of
from ffgen.run.explain.redraw import memory_for
from ffgen.run.explain.story import ReplyView, clipped
from ffgen.run.pools import field_of
from ffgen.run.records import repeated
from ffgen.run.steering import Steering
from ffgen.shard.made import Made
from ffgen.shingles import Digests
from ffgen.spec.model import Field
from ffgen.spec.record import UNKNOWN, Misfit, RecordType

Flags = list[bool]


class Replayed(Struct, frozen=True):
    """One reply, and what became of it.

    `verdict` says which of its valid rows were new, none for a bad reply, which was asked for again; `twins` which of
    the others were refused for a near twin alone. `first` is how many rows had been admitted before.
    """

    shard: int
    attempt: int
    steer: Steer
    key: bytes
    reply: bytes
    made: Made
    verdict: Flags
    twins: Flags
    first: int

    @property
    def is_bad(self) -> bool:
        """Whether it brought no valid row."""
        return self.made.batch.rows == 0


class Cell(Struct, frozen=True):
    """One row of a reply as it stands there: which valid row it is (from 0), or why it is none."""

    position: int
    raw: Any
    valid: int | None
    field: str = ""
    reason: str = ""


def replay(desk: Desk) -> Iterator[Replayed]:
    """Every reply of a run in the order of shards, up to the one with its last row. Raises `Gone`.

    As much memory as the gate has; 10 us a row.
    """
    plan, record = desk.plan, desk.maker.record
    steering = Steering(desk.maker.strata, plan.shards)
    gate = Gate(record.sets, plan.shards.count, memory_for(plan), None, record.near)
    admitted = shard = 0
    try:
        while admitted < plan.shards.count:
            steer = steering.steer(shard)
            for attempt in range(plan.model.retries + 1):
                key, reply = desk.reply(shard, attempt, steer)
                made = desk.maker.make(shard, reply, steer.rows)
                verdict = judged(gate, made)
                twins = gate.twins.tolist() or [False] * len(verdict)
                yield Replayed(shard, attempt, steer, key, reply, made, verdict, twins, admitted)
                admitted += sum(verdict)
                if made.batch.rows:
                    break
            steering.judged(made.batch.rows, sum(verdict), repeated(desk.maker, made, verdict))
            shard += 1
    finally:
        gate.close()


def judged(gate: Gate, made: Made) -> Flags:
    """The gate's verdicts."""
    batch = made.batch
    return gate.judge(batch.key_table(), [Digests.unpack(each) for each in batch.near]).tolist() if batch.rows else []


def line_of(replayed: Replayed, row: int) -> tuple[int, bytes]:
    """The valid row of a reply that became this row of the output, and its line."""
    left = row - replayed.first
    places = [place for place, flag in enumerate(replayed.verdict) if flag]
    return places[left], replayed.made.batch.lines.splitlines(keepends=True)[places[left]]


def find(desk: Desk, row: int) -> Replayed:
    """The reply in which a row of the output stands, from 0. Raises `Gone`."""
    for replayed in replay(desk):
        if row < replayed.first + sum(replayed.verdict):
            return replayed
    raise Gone(f"the kept replies give fewer than {row + 1:,} rows")


def view_reply(desk: Desk, replayed: Replayed, valid: int) -> tuple[ReplyView, Cell | None]:
    """The reply around its valid row with this number, and that row as it stands there."""
    shards, made = desk.plan.shards, replayed.made
    cell = next((each for each in cells_of(desk, replayed) if each.valid == valid), None)
    view = ReplyView(
        key=replayed.key.hex(),
        model=desk.endpoint.model,
        api=desk.endpoint.api,
        seed=shards.seed_of(replayed.shard, replayed.attempt),
        shard=replayed.shard,
        attempt=replayed.attempt,
        position=valid if cell is None else cell.position,
        rows=made.batch.rows,
        asked=replayed.steer.rows,
        tokens_in=made.tokens_in,
        tokens_out=made.tokens_out,
        tokens_per_row=made.tokens_out / max(made.batch.rows, 1),
        slice=desk.maker.slices(replayed.shard, replayed.steer),
        broken=made.broken,
        said="" if cell is None else text_of(cell.raw),
    )
    return view, cell


class Sighted(Reader):
    """A reader that remembers the rows that it looked at, as they stand in the reply."""

    seen: list[Any]

    def read(self, text: str, truncated: bool = False, limit: int = 10_000) -> Rows:
        self.seen = []
        rows = super().read(text, truncated, limit)
        if not self.seen and rows.cells:  # a document that is as it should be is decoded whole
            document = msgspec.json.decode(text)
            self.seen = (document["rows"] if isinstance(document, dict) else document)[:limit]
        return rows

    def _read_rows(self, raw_rows: Iterable[Any], limit: int, broken: bool = False) -> Rows:
        def noted() -> Iterator[Any]:
            for raw in raw_rows:
                self.seen.append(raw)
                yield raw

        return super()._read_rows(noted(), limit, broken)


def cells_of(desk: Desk, replayed: Replayed) -> list[Cell]:
    """The rows of a reply in their order, valid or not."""
    record, maker = desk.maker.record, desk.maker
    answer = maker.dialect.read(replayed.reply)
    reader = Sighted(record, desk.plan.model.reply)
    rows = reader.read(answer.text, answer.truncated, replayed.steer.rows)
    bad = {place: (field, reason) for place, field, reason in record.check(rows.cells).bad}
    found, place, valid = [], 0, 0
    for position, raw in enumerate(reader.seen):
        if (why := misfit(record, raw)) is not None:
            found.append(Cell(position, raw, None, *why))
            continue
        if place == len(rows.cells):
            break  # beyond what was asked for
        if place in bad:
            found.append(Cell(position, raw, None, *bad[place]))
        else:
            found.append(Cell(position, raw, valid))
            valid += 1
        place += 1
    return found


def misfit(record: RecordType, raw: Any) -> tuple[str, str] | None:
    """Why a raw row can't be a row, as reports say it: the field and the reason. None when it can."""
    try:
        record.coerce(raw)
    except Misfit as found:
        return ("", "unknown key") if found.reason == UNKNOWN else (found.field, found.reason)
    return None


def text_of(raw: Any) -> str:
    """A raw row as text, clipped."""
    return clipped(msgspec.json.encode(raw).decode())


class Pools:
    """The pools of a plan, filled again from kept replies, and who wrote each of their values.

    One whose replies don't fill it is taken to have fallen back, as in the run, where its field may: `fallen` says
    why, by table and field. Raises `Gone` where it may not.
    """

    def __init__(self, plan: Plan, cache: str | None) -> None:
        self.plan = plan
        self.cache = cache
        self.plans: dict[tuple[str, str, str], Plan] = {}
        self.values: dict[tuple[str, str, str], list[str]] = {}
        self.fallen: dict[tuple[str, str], str] = {}
        for pool in pools_of(plan.spec):
            if (pool.table, pool.field) in self.fallen:
                continue
            self.plans[pool.key] = small = compile_plan(pool.spec, plan.asks)
            try:
                self.values[pool.key] = written(small, cache, pool.field)
            except Gone as gone:
                if not field_of(plan.spec, pool).fallback:
                    raise
                self.fallen[pool.table, pool.field] = gone.what

    def filled(self) -> Plan:
        """The plan with the values in its spec, as the run had it."""
        if not self.plans:
            return self.plan
        return structs.replace(self.plan, spec=with_values(without_pools(self.plan.spec, self.fallen), self.values))

    def fields(self, table: str) -> dict[str, Field]:
        """The fields of a table that draw from pools, as the spec has them."""
        tables = [each for each in self.plan.spec.datasets if each.name == table]
        found = [field for each in tables for field in fields_of_pools(each)]
        return {field.name: field for field in found if (table, field.name) not in self.fallen}

    def find(self, table: str, field: str, value: Any) -> tuple[str, int, ReplyView] | None:
        """The group, the number from 1 and the reply of a value in a pool. None where no pool has it."""
        for key, values in self.values.items():
            if key[:2] == (table, field) and value in values:
                row = values.index(value)
                with desk_of(self.plans[key], self.cache) as desk:
                    replayed = find(desk, row)
                    return key[2], row + 1, view_reply(desk, replayed, line_of(replayed, row)[0])[0]
        return None


def written(plan: Plan, cache: str | None, field: str) -> list[str]:
    """The values of a pool's small table, in order. Raises `Gone`."""
    values: list[str] = []
    with desk_of(plan, cache) as desk:
        for replayed in replay(desk):
            lines, _ = replayed.made.batch.take(replayed.verdict) if replayed.verdict else (b"", 0)
            values += [msgspec.json.decode(line)[field] for line in lines.splitlines()]
    if len(values) < plan.shards.count:
        raise InternalError(f"The pool {plan.dataset.name} came back short.")
    return values[: plan.shards.count]
