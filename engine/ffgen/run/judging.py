"""What answers are held to beside their own constraints: the conditions over their rows, and the rows before them."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ffgen.admit.gate import Gate
from ffgen.batch import ABSENT, Keys, canonical_texts, hash_texts, json_texts
from ffgen.expr import first_failure
from ffgen.plan.recipe import Recipe
from ffgen.rng import U64
from ffgen.sample.base import Rows
from ffgen.sample.cases import draw_field
from ffgen.sample.plugins import rules_of
from ffgen.shingles import digest
from ffgen.spec.model import Near

TWIN = "said in an earlier row"
NEAR = "too much like an earlier row"


class Judge:
    """Judges the rows of one hybrid table, in order. `close` gives memory and files back."""

    def __init__(self, recipe: Recipe, memory: int, folder: str | None) -> None:
        self.recipe = recipe
        held = recipe.held_back
        fields = {each.name: each for each in recipe.dataset.fields}
        self.sets: list[list[str]] = [[name] for name in held.unique] + ([held.records] if held.records else [])
        self.near = [(name, fields[name].unique.near) for name in held.unique if isinstance(fields[name].unique, Near)]  # type: ignore[union-attr]
        self.gate = Gate(len(self.sets), recipe.count, memory, folder, self.near) if self.sets else None

    @property
    def takes_all(self) -> bool:
        """Whether nothing is held against these rows."""
        held = self.recipe.held_back
        return self.gate is None and not (held.checks or held.requires or held.validators)

    def close(self) -> None:
        """Gives the gate back."""
        if self.gate is not None:
            self.gate.close()

    def judge(self, index: U64, frame: pl.DataFrame) -> list[str]:
        """For each row why it can't be, empty where it can: a word or two. Rows that can be are known from now on.

        `frame` has the drawn fields and the asked ones, in their own types.
        """
        why = self._broken(self._whole(index, frame))
        good = np.flatnonzero(np.array([not reason for reason in why], dtype=np.bool_))
        if self.gate is not None and len(good):
            rows = frame[good]
            texts = [digest(rows[name].to_list(), threshold) for name, threshold in self.near]
            admitted = self.gate.judge(self._keys(rows), texts)
            twins = self.gate.twins if self.near else np.zeros(len(good), np.bool_)
            for place, enters, twin in zip(good.tolist(), admitted.tolist(), twins.tolist(), strict=True):
                why[place] = "" if enters else NEAR if twin else TWIN
        return why

    def _whole(self, index: U64, frame: pl.DataFrame) -> pl.DataFrame:
        """The rows with what follows from what the model wrote."""
        recipe = self.recipe
        held = recipe.held_back
        if not (held.checks or held.requires or held.validators):
            return frame
        rows = Rows(index, (recipe.seed, recipe.dataset.name, "answers"))
        rows.columns = {name: frame[name] for name in frame.columns}
        for name in recipe.order:
            sampler = recipe.samplers[name]
            if name in recipe.written_on and name not in recipe.afterwards and sampler.field.derive is not None:
                rows.columns[name] = draw_field(sampler, rows, rows.stream(name)).alias(name)
        return pl.DataFrame(list(rows.columns.values()))

    def _broken(self, frame: pl.DataFrame) -> list[str]:
        held = self.recipe.held_back
        why = [""] * len(frame)
        for name, reason, expr in held.checks:
            if name in frame.columns:
                note(why, ~frame.select(expr.alias("c")).to_series().to_numpy(), f"`{name}`: {reason}")
        if held.requires:
            failed = first_failure(held.requires, frame).to_numpy()
            for number, expression in enumerate(held.requires):
                note(why, failed == number, f"breaks: {expression.text}")
        if held.validators:
            rules = rules_of(self.recipe.dataset)
            for place, row in enumerate(frame.iter_rows(named=True)):
                for check in held.validators:
                    verdict = check(row, rules)
                    why[place] = why[place] or ("" if verdict is True else verdict or "a plugin's validator")
        return why

    def _keys(self, frame: pl.DataFrame) -> Keys:
        keys = np.empty((len(frame), len(self.sets)), dtype=np.uint64)
        for i, names in enumerate(self.sets):
            if i < len(self.recipe.held_back.unique):
                texts = json_texts(frame[names[0]])
                hashes = hash_texts(texts.fill_null(""))
                keys[:, i] = np.where(frame[names[0]].is_null().to_numpy(), np.uint64(ABSENT), hashes)
            else:
                keys[:, i] = hash_texts(canonical_texts(frame.select(names)))
        return keys


def note(why: list[str], failed: NDArray[np.bool_], reason: str) -> None:
    """Notes a reason for rows that have none yet."""
    places: Sequence[int] = np.flatnonzero(failed).tolist()
    for place in places:
        why[place] = why[place] or reason
