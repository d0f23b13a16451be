"""What was overheard while hybrid rows were written again: of one row, or of those that were refused."""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import polars as pl

from ffgen.rng import U64
from ffgen.run.asking import ASKED
from ffgen.run.explain.piles import Piles
from ffgen.run.explain.rewritten import Ear, Said
from ffgen.run.explain.story import Fact, RefusedRow, ReplyView, clipped
from ffgen.run.judging import NEAR, TWIN


class RowEar(Ear):
    """Hears of one row: the replies that had an answer for it, and why answers were refused."""

    def __init__(self, row: int) -> None:
        self.row = row
        self.replies: list[Said] = []
        self.reasons: list[str] = []

    def said(self, row: int, said: Said) -> None:
        if row == self.row:
            self.replies.append(said)

    def judged(self, shard: int, rows: U64, frame: pl.DataFrame, why: Sequence[str]) -> None:
        found = np.flatnonzero(rows == np.uint64(self.row))
        if len(found) and why[int(found[0])]:
            self.reasons.append(why[int(found[0])])

    def facts(self, maker: str) -> list[Fact]:
        """How the row's answer came to be, where that is more than one reply."""
        refused = f", refused: {'; '.join(self.reasons)}" if self.reasons else ""
        if maker != ASKED:
            said = f"by the fallback `{maker}`, for the model gave nothing that could be used{refused}"
            return [Fact(kind="fallback", says=said)]
        if not self.reasons:
            return []
        return [Fact(kind="reply", says=f"answered {len(self.replies)} times{refused}")]

    def view(self) -> ReplyView | None:
        """The reply whose answer stands."""
        if not self.replies:
            return None
        last = self.replies[-1]
        return ReplyView(
            key=last.key.hex(),
            model=last.model,
            api=last.api,
            seed=last.seed,
            shard=last.shard,
            attempt=last.attempt,
            position=last.position,
            rows=last.rows,
            asked=last.asked,
            tokens_in=last.tokens_in,
            tokens_out=last.tokens_out,
            tokens_per_row=last.tokens_out / max(last.rows, 1),
            slice="",
            broken=last.broken,
            said=clipped(last.line.decode()),
        )


class RefusedEar(Ear):
    """Hears of answers that were refused. What a reader refuses is shown by its whole reply."""

    def __init__(self, piles: Piles, asked: Sequence[str]) -> None:
        self.piles = piles
        self.asked = list(asked)

    def refused(self, shard: int, attempt: int, why: Sequence[tuple[str, str, int]], text: str) -> None:
        for field, reason, count in why:
            key: tuple[Any, str, str] = ("score" if reason == "score" else "reply", field, reason)
            if self.piles.wants(key, count):
                self.piles.put(key, RefusedRow(shard=shard, attempt=attempt, position=0, text=clipped(text)))

    def judged(self, shard: int, rows: U64, frame: pl.DataFrame, why: Sequence[str]) -> None:
        for at, reason in enumerate(why):
            key = ("gate" if reason in (TWIN, NEAR) else "check", ", ".join(self.asked), reason)
            if reason and self.piles.wants(key):
                told = frame[[at]].select(self.asked).row(0, named=True)
                text = clipped(msgspec.json.encode(told).decode())
                self.piles.put(key, RefusedRow(shard=shard, attempt=0, position=int(rows[at]), text=text))
