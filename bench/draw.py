"""What does a drawn row cost in CPU time, and what does it cost others?

The rows of `reference.yaml` to a file, by the kernel's count of the command and all it started (wait4), as the slope
between a run of 2 and one of 8 million rows, so that start-up is in no figure. Peers make the same columns with as
many processes, one that works: the hand-written generator (`bench.handwritten`), DuckDB, mimesis and Faker
(`bench.rivals`; the last two fewer rows). Five turns, in each of which everybody runs once at each size; the slope is
that of everybody's best times, for a neighbour's noise only ever adds. What the first turn writes is looked at.
A peer that is not installed is left out, and its figure says so.
"""

import importlib.util
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import polars as pl
from msgspec import Struct

from bench import rounds, whole
from bench.compare import Figure, left_out
from bench.customers import WrongOutput

SPEC = Path(__file__).with_name("reference.yaml")
TURNS, QUICK_TURNS = 5, 2
MILLIONS, QUICK_MILLIONS = (2_000_000, 8_000_000), (500_000, 2_000_000)
NAMES = ["id", "first_name", "last_name", "email", "age", "status", "city", "signup", "amount", "sku"]

Command = Callable[[int, Path], list[str]]


class Maker(Struct, frozen=True):
    """One way to make rows: the command, its output's suffix, the two sizes that it is run at."""

    name: str
    suffix: str
    command: Command
    sizes: tuple[int, int]


def ours(rows: int, path: Path) -> list[str]:
    """ffgen with one worker."""
    return [*whole.FFGEN, "run", str(SPEC), "--local", "-n", str(rows), "-o", str(path), *ONE]


ONE = ["--workers", "1", "--progress", "none", "--quiet"]


def by_hand(rows: int, path: Path) -> list[str]:
    """The hand-written generator, with one thread as everybody."""
    return ["env", "POLARS_MAX_THREADS=1", sys.executable, "-m", "bench.handwritten", str(rows), str(path)]


def rival(name: str) -> Command:
    """A library's."""
    return lambda rows, path: [sys.executable, "-m", "bench.rivals", name, str(rows), str(path)]


def makers(quick: bool) -> list[Maker]:
    """All that are installed, in the order in which they run: ffgen in between its nearest peers."""
    many, some, few = QUICK_MILLIONS if quick else MILLIONS, (20_000, 60_000), (2_000, 6_000)
    found = []
    for suffix in ("jsonl", "parquet"):
        found.append(Maker("handwritten", suffix, by_hand, many))
        found.append(Maker("ffgen", suffix, ours, many))
        found.append(Maker("duckdb", suffix, rival("duckdb"), many))
    found.append(Maker("ffgen", "jsonl.zst", ours, many))
    found.append(Maker("mimesis", "jsonl", rival("mimesis"), some))
    found.append(Maker("faker", "jsonl", rival("faker"), few))
    return [each for each in found if each.name in ("ffgen", "handwritten") or importlib.util.find_spec(each.name)]


def measure(folder: Path, quick: bool) -> list[Figure]:
    """The ratios; about five minutes."""
    least: dict[tuple[str, str, int], float] = {}
    for turn in range(QUICK_TURNS if quick else TURNS):
        for maker in makers(quick):
            for rows in maker.sizes:
                spent = make(maker, rows, folder, look=turn == 0 and rows == maker.sizes[0])
                key = (maker.name, maker.suffix, rows)
                least[key] = min(spent, least.get(key, spent))
    return figures({(each.name, each.suffix): slope(each, least) for each in makers(quick)})


def make(maker: Maker, rows: int, folder: Path, *, look: bool) -> float:
    """CPU seconds of one run, whose output is looked at or not, and is gone afterwards."""
    path = folder / f"{maker.name}.{maker.suffix}"
    if rows >= QUICK_MILLIONS[0]:
        whole.warm(folder)
    spent = whole.spend(maker.command(rows, path), str(folder)).cpu_seconds
    if look:
        check(path, rows)
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    return spent


def slope(maker: Maker, least: Mapping[tuple[str, str, int], float]) -> float:
    """Seconds of CPU a row."""
    small, large = maker.sizes
    return (least[maker.name, maker.suffix, large] - least[maker.name, maker.suffix, small]) / (large - small)


def figures(cost: Mapping[tuple[str, str], float]) -> list[Figure]:
    """The ratios that were promised, from seconds of CPU a row by maker and suffix."""
    found = []
    for suffix in ("jsonl", "parquet"):
        name, mine = f"draw.{suffix}_over_handwritten", cost["ffgen", suffix]
        peer = cost["handwritten", suffix]
        found.append(Figure(name=name, value=mine / peer, better="lower", limit=1.25, note=beside(mine, peer)))
    for peer_name, suffix, limit in (
        ("duckdb", "jsonl", 1.3),
        ("duckdb", "parquet", 1.3),
        ("mimesis", "jsonl", 8.0),
        ("faker", "jsonl", 150.0),
    ):
        name, mine = f"draw.{suffix}_against_{peer_name}", cost["ffgen", suffix]
        if (peer_name, suffix) not in cost:
            found.append(left_out(name, peer_name))
            continue
        peer = cost[peer_name, suffix]
        found.append(Figure(name=name, value=peer / mine, limit=limit, note=beside(mine, peer)))
    plain, packed = cost["ffgen", "jsonl"], cost["ffgen", "jsonl.zst"]
    found.append(Figure(name="draw.zstd_over_plain", value=plain / packed, limit=0.6, note=beside(packed, plain)))
    return found


def beside(mine: float, other: float) -> str:
    """What both cost, for people."""
    return f"{mine * 1e9:,.0f} ns a row, {other * 1e9:,.0f} the other"


def check(path: Path, rows: int) -> None:
    """Raises WrongOutput unless these are so many rows of the reference, by whomever they were made."""
    source = path / "*.parquet" if path.is_dir() else path
    frame = pl.read_parquet(source) if ".parquet" in path.name else pl.read_ndjson(path)
    if frame.columns != NAMES or len(frame) != rows:
        raise WrongOutput(f"{path.name} has {len(frame)} rows of {', '.join(frame.columns)}; {rows} were asked for.")
    whole_name = pl.concat_str("first_name", "last_name", separator=".").str.to_lowercase()
    plain = r"[^a-z.]"
    told = frame.select(
        id=pl.col("id").n_unique() == rows,
        email=(
            pl.col("email").str.contains(r"^[a-z.]+\d*@example\.(com|net|org)$")
            & (
                pl.col("email").str.replace(r"\d*@.*", "").str.replace_all(plain, "")
                == whole_name.str.replace_all(plain, "")
            )
        ).mean()
        > 0.99,
        age=pl.col("age").is_between(18, 80).all() & pl.col("age").mean().is_between(40, 46),
        status=((pl.col("status") == "active").mean() - 0.7).abs() < 0.05,
        city=pl.col("city").n_unique() > 100,
        amount=pl.col("amount").median().is_between(32, 38),
        sku=pl.col("sku").str.contains(r"^[A-Z]{3}-\d{4}$").all(),
    ).row(0, named=True)
    if wrong := [name for name, good in told.items() if not good]:
        raise WrongOutput(f"{path.name}: {', '.join(wrong)} is not what the reference asks for.")


if __name__ == "__main__":
    sys.exit(rounds.main({"draw": measure}, about=__doc__))
