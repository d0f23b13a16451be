"""The rows of `reference.yaml` as a person would write them who knows numpy and polars well: one process, one thread.

The recipes of `notes/performance.md`, each the fastest that was found for its column, tables of 65,536 picks for
everything that is weighted, no seeds by field, no checks, no uniqueness beyond a random uuid. JSON Lines go into one
file; Parquet, to which polars can't append, into a folder of files with 65,536 rows each.

`POLARS_MAX_THREADS=1 python -m bench.handwritten ROWS PATH`: the suffix says which.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bench.names import DAYS, FIRST_DAY, HOURS, PICKS, Names, day_weights, names, picks
from ffgen.sample.strings import from_matrix

CHUNK = 1 << 16
DAY = 86_400
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
UUID = np.frombuffer(b"........-....-....-....-............", dtype=np.uint8)
QUADS = (0, 4, 9, 14, 19, 24, 28, 32)
"""Where four digits each stand in a UUID."""

Codes = NDArray[Any]


class Maker:
    """Tables, made once; then chunks of rows."""

    def __init__(self, known: Names, seed: int, *, text: bool) -> None:
        self.rng = np.random.Generator(np.random.SFC64(seed))
        self.text = text
        self.first, self.last = pl.Series(known.first), pl.Series(known.last)
        self.first_dot = pl.Series([f"{name.lower()}." for name in known.first])
        self.last_low = pl.Series([name.lower() for name in known.last])
        numbers = ["", *map(str, range(1, 100))]
        self.tails = pl.Series([f"{n}@example.{end}" for end in ("com", "net", "org") for n in numbers])
        self.tail_picks = picks(([60.0] + [40 / 99] * 99) * 3)
        self.first_picks, self.last_picks = picks(known.first_weights), picks(known.last_weights)
        ages = np.arange(18, 81)
        self.ages = ages[picks(np.exp(-(((ages - 42) / 14) ** 2) / 2).tolist())]
        self.statuses, self.status_picks = pl.Series(["active", "inactive", "pending"]), picks([70, 20, 10])
        self.cities, self.city_picks = pl.Series(known.city), picks(known.city_weights)
        self.day_picks = picks(day_weights())
        self.hour_picks = picks(HOURS)
        days = pl.Series(range(FIRST_DAY, FIRST_DAY + DAYS), dtype=pl.Int32).cast(pl.Date)
        self.days = days.dt.strftime("%Y-%m-%dT")
        clock = pl.Series(np.arange(DAY) * 1_000_000_000).cast(pl.Time)
        self.clock = clock.dt.strftime("%H:%M:%SZ")
        self.hex = np.frombuffer(b"".join(b"%04x" % number for number in range(1 << 16)), dtype=np.uint32)
        letters = [f"{a}{b}{c}-" for a in LETTERS for b in LETTERS for c in LETTERS]
        self.letters = np.frombuffer("".join(letters).encode(), dtype=np.uint32)
        self.digits = np.frombuffer(b"".join(b"%04d" % number for number in range(10_000)), dtype=np.uint32)

    def chunk(self, n: int) -> pl.DataFrame:
        """n rows."""
        first, last = self.pick(self.first_picks, n), self.pick(self.last_picks, n)
        email = (
            self.first_dot.gather(first),
            self.last_low.gather(last),
            self.tails.gather(self.pick(self.tail_picks, n)),
        )
        columns = {
            "id": self.uuids(n),
            "first_name": self.first.gather(first),
            "last_name": self.last.gather(last),
            "email": pl.select(pl.concat_str(email)).to_series(),
            "age": self.pick(self.ages, n),
            "status": self.statuses.gather(self.pick(self.status_picks, n)),
            "city": self.cities.gather(self.pick(self.city_picks, n)),
            "signup": self.signups(n),
            "amount": self.amounts(n),
            "sku": self.skus(n),
        }
        return pl.DataFrame(columns)

    def pick(self, table: Codes, n: int) -> Codes:
        """n picks from a table of 65,536."""
        return table[self.rng.integers(0, PICKS, n, dtype=np.uint16)]

    def uuids(self, n: int) -> pl.Series:
        quads = self.rng.integers(0, 1 << 16, (n, 8), dtype=np.uint16)
        quads[:, 3] = quads[:, 3] & 0x0FFF | 0x4000
        quads[:, 4] = quads[:, 4] & 0x3FFF | 0x8000
        words = self.hex.take(quads)
        text = np.tile(UUID, (n, 1))
        for number, at in enumerate(QUADS):
            np.ndarray((n,), np.uint32, text, at, (36,))[:] = words[:, number]
        return from_matrix(text)

    def signups(self, n: int) -> pl.Series:
        days = self.pick(self.day_picks, n)
        seconds = self.pick(self.hour_picks, n) * np.uint32(3600) + self.rng.integers(0, 3600, n, dtype=np.uint16)
        if self.text:
            return self.days.gather(days) + self.clock.gather(seconds)
        whole = (days.astype(np.int64) + FIRST_DAY) * DAY + seconds
        return pl.Series(whole * 1_000_000).cast(pl.Datetime("us", "UTC"))

    def amounts(self, n: int) -> Codes:
        drawn = self.rng.standard_normal(n)
        drawn *= 0.8
        drawn += np.log(35)
        np.exp(drawn, out=drawn)
        drawn *= 100
        np.rint(drawn, out=drawn)
        drawn /= 100
        return drawn

    def skus(self, n: int) -> pl.Series:
        halves = np.empty((n, 2), dtype=np.uint32)
        halves[:, 0] = self.letters[self.rng.integers(0, len(self.letters), n, dtype=np.uint16)]
        halves[:, 1] = self.digits[self.rng.integers(0, len(self.digits), n, dtype=np.uint16)]
        return from_matrix(halves.view(np.uint8))


def chunks(rows: int, *, text: bool, seed: int = 1) -> Iterator[pl.DataFrame]:
    """All rows, chunk by chunk."""
    maker = Maker(names(), seed, text=text)
    for begin in range(0, rows, CHUNK):
        yield maker.chunk(min(CHUNK, rows - begin))


def write_lines(rows: int, path: Path) -> None:
    """JSON Lines, straight into the file: by way of memory it takes a tenth to a half more."""
    with path.open("wb", buffering=0) as file:
        for frame in chunks(rows, text=True):
            frame.write_ndjson(file)


def write_parquet(rows: int, path: Path) -> None:
    """Parquet, zstd level 1."""
    path.mkdir()
    for number, frame in enumerate(chunks(rows, text=False)):
        frame.write_parquet(path / f"{number:05}.parquet", compression="zstd", compression_level=1)


def main(rows: str, path: str) -> None:
    """The command line."""
    write = write_parquet if path.endswith(".parquet") else write_lines
    write(int(rows), Path(path))


if __name__ == "__main__":
    main(*sys.argv[1:])
