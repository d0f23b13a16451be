"""Samples of rows that were refused, by reason: of drawn tables by drawing shards again, of asked ones from the kept
replies."""

import tempfile
from collections.abc import Iterator

import numpy as np
from msgspec import Struct

from ffgen.plan.compile import Plan
from ffgen.plan.hybrid import asked_fields, tables_read
from ffgen.run.desk import Desk, Gone, desk_of
from ffgen.run.explain.drawn import THERE_ALREADY, gated_by, sample_of
from ffgen.run.explain.overheard import RefusedEar
from ffgen.run.explain.piles import Piles, Why
from ffgen.run.explain.redraw import Draft, Listener, Refusal, Shard, hand_for, redrawn, refusals
from ffgen.run.explain.replay import Pools, Replayed, cells_of, replay, text_of
from ffgen.run.explain.rewritten import rewritten
from ffgen.run.explain.row import doubts, table_of
from ffgen.run.explain.story import RefusedRow, RefusedRows, clipped
from ffgen.run.origin import Known, cache_of


class Looked(Struct):
    """What was gone through."""

    shards: int = 0
    of_shards: int = 0
    rows: int = 0


def refused_rows(
    path: str, known: Known, plan: Plan, table: str | None, cache_dir: str | None, samples: int, shards: int
) -> RefusedRows:
    """Why rows of a file were refused. See `ffgen.explain_refused`."""
    name, piles, looked = table_of(path, known, plan, table), Piles(samples), Looked()
    notes = list(doubts(path, known, plan))
    try:
        if plan.is_drawn:
            look_at_drawn(plan, name, cache_dir or cache_of(plan), shards, piles, looked)
        else:
            look_at_asked(plan, cache_dir or cache_of(plan), piles, looked)
    except Gone as gone:
        notes.append(f"{gone.what}, so no more rows can be looked at")
    reasons = piles.view()
    return RefusedRows(
        path=path,
        table=name,
        mode="drawn" if plan.is_drawn else "asked",
        known_by=known.by or "spec",
        seed=plan.spec.seed,
        spec_hash=plan.spec_hash,
        shards=looked.shards,
        of_shards=looked.of_shards,
        rows=looked.rows,
        refused=sum(reason.count for reason in reasons),
        reasons=reasons,
        notes=notes,
    )


def look_at_drawn(plan: Plan, table: str, cache: str | None, most: int, piles: Piles, looked: Looked) -> None:
    """Draws the first shards of a table again, and notes what was refused in each."""
    layout = next(each for each in plan.layouts if each.table == table)
    looked.of_shards = layout.shards
    with tempfile.TemporaryDirectory(prefix="ffgen-") as folder:
        filled = Pools(plan, cache).filled()
        asked = [
            each.name for dataset in filled.spec.datasets if dataset.name == table for each in asked_fields(dataset)
        ]
        ear = RefusedEar(piles, asked)
        whole = rewritten(filled, tables_read(plan.spec.datasets, [table]), cache, folder, {table: ear})
        hand, drawer = hand_for(whole, folder)
        sifter = Sifter(piles)
        for shard in redrawn(hand, drawer, layout, range(min(most, layout.shards)), sifter.listen):
            sifter.end(shard)
            looked.shards += 1
            looked.rows += len(shard.frame)


class Sifter:
    """Hears of every draw of one shard after the other. A row that is drawn again was refused as it was before: the
    rows as they were drawn last are held, so that it can be told why."""

    def __init__(self, piles: Piles) -> None:
        self.piles = piles
        self.drafts: list[Draft] = []

    def listen(self, shard: int) -> Listener:
        """The next shard begins."""
        self.drafts = []
        return self.hear

    def hear(self, draft: Draft) -> None:
        """See redraw.Listener. What broke a constraint is told at once; the gate's refusals at the end."""
        for at, why in refusals(draft.recipe, draft.frame).items():
            self._note(draft, at, why)
        if draft.recipe.apart and draft.attempt:
            self._twins(draft)
        self.drafts.append(draft)

    def end(self, shard: Shard) -> None:
        """The shard is complete: it is known by now which of its rows the gate refused, as they stood then."""
        for number, positions in enumerate(shard.rounds):
            for position in positions.tolist():
                draft, at = self._last(shard.first + position, number)
                self._note(draft, at, Refusal("gate", gated_by(draft.recipe), THERE_ALREADY))
        self.drafts = []

    def _twins(self, draft: Draft) -> None:
        """Rows that are drawn again and broke nothing were like another one, or stand beside such a row."""
        for number in draft.rows.index.tolist():
            before, at = self._last(number, draft.round)
            if before.round == draft.round and not refusals(before.recipe, before.frame[[at]]):
                reason = f"unique_by: {', '.join(draft.recipe.apart)}"
                self._note(before, at, Refusal("twin", reason, "a row under the same parent has the same"))

    def _last(self, row: int, round: int) -> tuple[Draft, int]:
        """The draft in which a row was drawn last, up to a round, and its place there."""
        for draft in reversed(self.drafts):
            if draft.round <= round and len(found := np.flatnonzero(draft.rows.index == np.uint64(row))):
                return draft, int(found[0])
        raise AssertionError(f"row {row} was never drawn")

    def _note(self, draft: Draft, at: int, why: Refusal) -> None:
        key = (why.by, why.field, why.reason)
        if self.piles.wants(key):
            first = (self.drafts or [draft])[0].rows.index[0]  # the first draft is of the whole shard
            sample = RefusedRow(
                shard=int(draft.place[2]),
                round=draft.round,
                attempt=draft.attempt,
                position=int(draft.rows.index[at] - first),
                text=sample_of(draft.recipe, draft.frame[[at]]),
            )
            self.piles.put(key, sample)


def look_at_asked(plan: Plan, cache: str | None, piles: Piles, looked: Looked) -> None:
    """Goes through the kept replies of a run, and notes what was refused in each."""
    seen: set[int] = set()
    with desk_of(plan, cache) as desk:
        for replayed in replay(desk):
            seen.add(replayed.shard)
            looked.shards = looked.of_shards = len(seen)
            for why, row in refused_in(desk, replayed):
                if piles.wants(why):
                    piles.put(why, row)
            looked.rows = min(replayed.first + sum(replayed.verdict), plan.shards.count)


def refused_in(desk: Desk, replayed: Replayed) -> Iterator[tuple[Why, RefusedRow]]:
    """The refused rows of one reply; a bad one counts as one."""
    made = replayed.made

    def row(position: int, text: str) -> RefusedRow:
        return RefusedRow(shard=replayed.shard, attempt=replayed.attempt, position=position, text=text)

    if all(replayed.verdict) and not made.refused and not replayed.is_bad:
        return
    cells = cells_of(desk, replayed)
    for cell in cells:
        if cell.valid is None:
            yield ("check", cell.field, cell.reason), row(cell.position, text_of(cell.raw))
        elif not replayed.verdict[cell.valid]:
            reason = "a row before it is nearly the same" if replayed.twins[cell.valid] else THERE_ALREADY
            yield ("gate", gated_fields(desk), reason), row(cell.position, text_of(cell.raw))
    if replayed.is_bad and not cells:
        said = desk.maker.dialect.read(replayed.reply).text or replayed.reply.decode(errors="replace")
        yield ("reply", "", made.problem), row(0, clipped(said))


def gated_fields(desk: Desk) -> str:
    """What the gate compares, in words."""
    record = desk.maker.record
    sets = [[fields] if isinstance(fields, int) else fields for fields in record.key_fields]
    return " or ".join(
        "record" if len(each) == len(record.names) else ", ".join(record.names[i] for i in each) for each in sets
    )
