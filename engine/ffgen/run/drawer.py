"""A drawing worker's role: draws shards, encodes them, and writes each block where it is told to.

A shard that took a worker down is drawn with care. What can be smaller then: no frame is held for the gate's verdict,
text is encoded 4,096 rows at a time, and the last time no other shard is drawn meanwhile, so that the machine's memory
is this one's. What can't: the rows of a shard are drawn as whole columns, for its identity is its stream of chance; the
block is held until it has its place; a Parquet row group is encoded whole.
"""

import errno
import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl

from ffgen import failpoint
from ffgen.disk import write_at
from ffgen.place import destination_error
from ffgen.plan.recipe import Recipe
from ffgen.plan.recipes import Recipes
from ffgen.posix import keep_memory
from ffgen.run.answers import Answers
from ffgen.run.drawing import DEATHS
from ffgen.run.labels import counts_of, keep_part
from ffgen.run.messages import Draw, Drawn, Message, Place, Placed, Sealed, Setup
from ffgen.run.store import Store
from ffgen.sample.plugins import load_files
from ffgen.shard.drawn import Drawer, Positions
from ffgen.shard.spoil import spoil
from ffgen.sink.block import Block, Encoder, encoder
from ffgen.sink.sparing import encode_sparingly
from ffgen.spec.model import Field

HELD_FRAMES = 16
"""Frames kept for the gate's verdict; one that was let go is drawn again."""


class DrawerRole:
    """Answers `Draw` with `Drawn` or, sealed, `Sealed`; `Place` with `Placed`. Holds blocks until they are placed."""

    def __init__(self, setup: Setup) -> None:
        if setup.isolate:
            keep_memory()
        spec = setup.plan.spec
        load_files(spec.plugins, True)
        self.recipes = Recipes(spec, setup.plan.layouts)
        self.drawer = Drawer(self.recipes, spec.seed)
        self.folder = setup.store
        self.store = Store(setup.store, self.recipes)
        self.recipes.stored = self.store.value
        self.recipes.answers = Answers(setup.plan.answers).get if setup.plan.answers else None
        self.outlets = setup.outlets
        self.labels = setup.labels
        self.encoders: dict[str, Encoder] = {}
        self.frames: dict[tuple[str, int, int], pl.DataFrame] = {}
        self.blocks: dict[tuple[str, int], Block] = {}
        self.files: dict[str, int] = {}

    def handle(self, message: Message) -> list[Message]:
        """The answers to one message."""
        if isinstance(message, Draw):
            try:
                return [self._draw(message)]
            except OSError as error:
                if error.errno in (None, errno.ENOMEM):  # so polars says what came of a MemoryError in a write
                    raise MemoryError from error
                raise
        if isinstance(message, Place):
            return [self._place(message)]
        return []

    def close(self) -> None:
        """Closes the files."""
        for descriptor in self.files.values():
            os.close(descriptor)
        self.files = {}
        self.store.close()

    def _draw(self, message: Draw) -> Message:
        failpoint.hit("drawer.draw")
        if message.care < DEATHS - 1:
            failpoint.hit("drawer.crowded")
        if message.care:
            self.frames.clear()
        frame = self._frame(message)
        if message.seal:
            return self._seal(message, frame)
        rounds = positions_of(message.rounds)
        table, shard = message.table, message.shard
        if len(self.frames) >= HELD_FRAMES:
            self.frames.pop(next(iter(self.frames)))
        if not message.care:
            self.frames[table, shard, len(rounds)] = frame
        positions = self.drawer.changed(table, shard, rounds)
        part = frame if positions is None else frame[positions]
        keys = self.drawer.keys(table, part).tobytes()
        changed = b"" if positions is None else positions.astype(np.uint32).tobytes()
        near = [digests.pack() for digests in self.drawer.texts(table, part)]
        return Drawn(shard, table, len(frame), keys, changed, near)

    def _frame(self, message: Draw) -> pl.DataFrame:
        rounds = positions_of(message.rounds)
        held = self.frames.pop((message.table, message.shard, len(rounds)), None)
        if held is not None:
            return held
        for table, refusals in message.history.items():
            self.drawer.history[table, message.shard] = positions_of(refusals)
        before = self.frames.pop((message.table, message.shard, len(rounds) - 1), None)
        if before is not None:
            return self.drawer.again(message.table, message.shard, before, rounds)
        return self.drawer.draw(message.table, message.shard, rounds)

    def _seal(self, message: Draw, frame: pl.DataFrame) -> Message:
        table, shard = message.table, message.shard
        self.store.keep(table, shard, frame)
        if table not in self.outlets:
            self.blocks[table, shard] = Block((), len(frame))
            return Sealed(shard, table, len(frame), 0, b"")
        recipe = self.recipes.recipes[table]
        spoiled, labels = spoil(recipe, shard, self.recipes.laid[table].span(shard)[0], frame.select(recipe.written))
        if self.labels is not None:
            keep_part(self.folder, table, shard, labels, self.labels)
        block = self._encode(recipe, spoiled, message.care)
        failpoint.hit("drawer.sealed")
        self.blocks[table, shard] = block
        return Sealed(shard, table, block.rows, block.size, block.footer, counts_of(labels))

    def _encode(self, recipe: Recipe, frame: pl.DataFrame, care: int) -> Block:
        table = recipe.dataset.name
        outlet = self.outlets[table]
        if care:
            return encode_sparingly(outlet.format, *shape_of(recipe), outlet.compression, frame)
        failpoint.hit("drawer.whole")
        if table not in self.encoders:
            self.encoders[table] = encoder_of(recipe, outlet.format, outlet.compression)
        return self.encoders[table].encode(frame)

    def _place(self, message: Place) -> Message:
        block = self.blocks.pop((message.table, message.shard))
        if message.offset < 0:
            return Placed(message.shard, message.table, block.data)
        path = self.outlets[message.table].path
        try:
            if message.table not in self.files:
                self.files[message.table] = os.open(path, os.O_WRONLY)
            write_at(self.files[message.table], block.pieces, message.offset, "drawer.write")
        except OSError as error:
            raise destination_error(error, path) from error
        failpoint.hit("drawer.placed")
        return Placed(message.shard, message.table, b"")


def encoder_of(recipe: Recipe, format: str, compression: str) -> Encoder:
    """What writes the fields of a table that stand in its output."""
    return encoder(format, *shape_of(recipe), compression)


def shape_of(recipe: Recipe) -> tuple[dict[str, Any], dict[str, str]]:
    """The types of a table's written fields, and the strftime formats of moments by path. What drifts is text."""
    kinds = {name: recipe.samplers[name].kind for name in recipe.written}
    texts = recipe.spoils.texts if recipe.spoils is not None else []
    formats = dict(pair for name, kind in kinds.items() if name not in texts for pair in formats_of(kind.field, name))
    return {name: pl.String() if name in texts else kind.value_dtype() for name, kind in kinds.items()}, formats


def formats_of(field: Field, path: str) -> Iterator[tuple[str, str]]:
    """The strftime formats of a field and of those inside, by path; an item has the path of its array."""
    if field.format is not None:
        yield path, field.format
    for inner in field.fields or []:
        yield from formats_of(inner, f"{path}.{inner.name}")
    if field.items is not None:
        yield from formats_of(field.items, path)


def positions_of(rounds: Sequence[bytes]) -> list[Positions]:
    """The refused rows of each round, from their bytes."""
    return [np.frombuffer(positions, dtype=np.uint32).astype(np.int64) for positions in rounds]
