"""A drawn run makes the same bytes in any number of processes, in any order of finishing, after any crash."""

import asyncio
import gzip
import random
import signal
import subprocess
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
import pyzstd
from tests.run.drive import KILLED, OLD, Site

import ffgen
from ffgen import failpoint
from ffgen.errors import InternalError
from ffgen.plan import tables
from ffgen.run import draw
from ffgen.run.crew import Listener
from ffgen.run.drawer import DrawerRole
from ffgen.run.messages import Message, Placed, Setup
from ffgen.run.report import ProcessUse

SMALL = "ffgen.plan.tables.SHARD_ROWS"

MEASURES: dict[str, Any] = {
    "seed": 3,
    "dataset": {
        "name": "measures",
        "count": 20_000,
        "unique_by": ["sensor", "hour"],
        "fields": [
            {"name": "sensor", "values": ["a", "b", "c"], "weights": [6, 3, 1]},
            {"name": "hour", "type": "integer", "range": [0, 59_999]},
            {"name": "value", "type": "number", "decimals": 2, "generator": {"name": "normal", "mean": 20, "sd": 4}},
            {"name": "note", "type": "string", "generator": "words", "nullable": 0.3},
        ],
        "require": "hour % 5 <> 0 OR sensor = 'a'",
    },
}
"""Only the gate can keep its rows apart, and about one in five is drawn again."""

SHOP: dict[str, Any] = {
    "seed": 5,
    "tables": [
        {
            "name": "products",
            "count": 700,
            "fields": [
                {"name": "id", "type": "integer", "generator": "sequence", "unique": True},
                {"name": "name", "generator": "words"},
            ],
        },
        {
            "name": "customers",
            "count": 1500,
            "unique_by": ["city", "number"],
            "require": "number % 3 <> 0",
            "fields": [
                {"name": "id", "type": "uuid", "unique": False},
                {"name": "city", "values": ["Lyon", "Porto", "Turku"]},
                {"name": "number", "type": "integer", "range": [1, 1300]},
                {"name": "since", "type": "date", "range": ["2020-01-01", "2024-12-31"]},
            ],
        },
        {
            "name": "orders",
            "fields": [
                {"name": "id", "type": "uuid", "unique": True},
                {"name": "city", "ref": {"to": "customers.city", "mean": 3, "skew": 0.5}},
                {"name": "number", "ref": {"to": "customers.number", "mean": 3, "skew": 0.5}},
                {"name": "since", "ref": {"to": "customers.since", "mean": 3, "skew": 0.5}},
                {"name": "total", "type": "number", "decimals": 2, "generator": {"name": "total", "of": "lines.price"}},
            ],
        },
        {
            "name": "lines",
            "fields": [
                {"name": "order_id", "ref": {"to": "orders.id", "min": 1, "max": 4}},
                {"name": "product_id", "ref": {"to": "products.id", "skew": 0.8}},
                {"name": "city", "ref": {"to": "orders.city", "min": 1, "max": 4}},
                {"name": "price", "type": "number", "range": [1, 5], "decimals": 0},
            ],
        },
    ],
}
"""A parent whose refused rows change what its children copy, totals of rows that are made later, skewed keys."""


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shards of 2048 rows: many of them, soon made."""
    monkeypatch.setattr(tables, "SHARD_ROWS", 2048)


def digests(site: Site, folder: str) -> dict[str, str]:
    """The digest of every file of a folder."""
    return {path.name: site.digest(f"{folder}/{path.name}") for path in sorted(site.path(folder).iterdir())}


def tables_made(site: Site, name: str, **options: Any) -> dict[str, str]:
    """The digests of all tables of the shop."""
    site.path(name).mkdir()
    site.here(SHOP, f"{name}/", **options)
    return digests(site, name)


@pytest.mark.parametrize("name", ["m.jsonl", "m.csv", "m.parquet", "m.jsonl.zst", "m.csv.gz"])
def test_every_format_alike_inline_and_in_a_process(site: Site, small: None, name: str) -> None:
    report = site.here(MEASURES, name, workers=0)
    assert report.records == 20_000 and len(ffgen.plan(MEASURES).layouts) == 1
    inline = site.digest(name)
    site.here(MEASURES, name, workers=1)
    assert site.digest(name) == inline
    site.here({**MEASURES, "seed": 4}, name, workers=0)
    assert site.digest(name) != inline


def test_packed_files_hold_what_the_others_hold(site: Site, small: None) -> None:
    for name in ("m.jsonl", "m.csv", "m.parquet", "m.jsonl.zst", "m.csv.gz", "m.jsonl.gz"):
        site.here(MEASURES, name, workers=0)
    plain = site.path("m.jsonl").read_bytes()
    assert pyzstd.decompress(site.path("m.jsonl.zst").read_bytes()) == plain
    assert gzip.decompress(site.path("m.jsonl.gz").read_bytes()) == plain
    assert gzip.decompress(site.path("m.csv.gz").read_bytes()) == site.path("m.csv").read_bytes()
    rows = pl.read_ndjson(plain)
    assert rows.equals(pl.read_parquet(site.path("m.parquet"))) and rows.equals(pl.read_csv(site.path("m.csv")))
    assert rows.select("sensor", "hour").n_unique() == len(rows) == 20_000


def test_several_tables_alike_in_1_2_3_and_8_processes(site: Site, small: None) -> None:
    inline = tables_made(site, "w0", workers=0)
    assert len(inline) == 5
    for workers in (1, 2, 3, 8):
        assert tables_made(site, f"w{workers}", workers=workers) == inline, workers


def test_they_agree_with_each_other(site: Site, small: None) -> None:
    tables_made(site, "w0", workers=0)
    with duckdb.connect() as base:
        for name in ("products", "customers", "orders", "lines"):
            base.execute(f"CREATE TABLE {name} AS FROM '{site.path('w0')}/{name}.jsonl'")
        wrong = "SELECT COUNT(*) FROM orders ANTI JOIN customers USING (city, number, since)"
        assert base.sql(wrong).fetchall() == [(0,)]
        wrong = "SELECT COUNT(*) FROM lines ANTI JOIN orders ON id = order_id AND lines.city = orders.city"
        assert base.sql(wrong).fetchall() == [(0,)]
        wrong = "SELECT COUNT(*) FROM lines ANTI JOIN products ON id = product_id"
        assert base.sql(wrong).fetchall() == [(0,)]
        totals = "SELECT id, SUM(price) AS total FROM lines JOIN orders ON id = order_id GROUP BY id"
        assert base.sql(f"SELECT COUNT(*) FROM orders ANTI JOIN ({totals}) USING (id, total)").fetchall() == [(0,)]
        assert base.sql("SELECT COUNT(DISTINCT (city, number)) FROM customers").fetchall() == [(1500,)]
        assert base.sql("SELECT MAX(number % 3 = 0) FROM orders").fetchall() == [(False,)]


class Shuffled:
    """Four drawing roles in this process, whose answers come when chance says (see crew.Crew)."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.in_hand: dict[int, int] = {}
        self.order: list[int] = []
        self.tasks: set[asyncio.Task[None]] = set()

    async def start(self, setups: dict[str, Setup], listener: Listener) -> None:
        self.listener = listener
        self.roles = [DrawerRole(setups["worker"]) for _ in range(4)]

    def send(self, role: str, message: Any) -> None:
        number = self.in_hand.setdefault(message.shard, self.random.randrange(len(self.roles)))
        task = asyncio.get_running_loop().create_task(self._answer(number, message))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _answer(self, number: int, message: Message) -> None:
        await asyncio.sleep(self.random.random() * 0.02)
        for answer in self.roles[number].handle(message):
            if isinstance(answer, Placed):
                self.in_hand.pop(answer.shard)
                self.order.append(answer.shard)
            self.listener.received(answer)

    async def leave(self) -> list[ProcessUse]:
        for role in self.roles:
            role.close()
        return []


@pytest.mark.parametrize("seed", [1, 2])
def test_any_order_of_finishing_gives_the_same_files(
    site: Site, small: None, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    inline = tables_made(site, "calm", workers=0)
    crews: list[Shuffled] = []

    def shuffled(*_: object) -> Shuffled:
        crews.append(Shuffled(seed))
        return crews[-1]

    monkeypatch.setattr(draw, "crew_for", shuffled)
    assert tables_made(site, "shuffled") == inline
    assert crews[0].order != sorted(crews[0].order), "nothing finished out of turn"


POINTS = ("drawer.draw", "drawer.sealed", "drawer.placed")


@pytest.fixture
def calm(site: Site, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """An undisturbed run in shards of 4096 rows. Gives fail points that a worker passes last of all, so that the one
    that takes its place does not get there."""
    monkeypatch.setattr(tables, "SHARD_ROWS", 4096)
    failpoint.arm(",".join(f"{point}:kill@1000000" for point in POINTS))
    site.here(MEASURES, "calm.jsonl", workers=0)
    points = {point: f"{point}:kill@{failpoint._passed[point]}" for point in POINTS}
    failpoint.arm("")
    return points


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_worker_is_replaced_and_not_a_byte_changes(
    site: Site, calm: dict[str, str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, point: str
) -> None:
    monkeypatch.setenv("FFGEN_FAILPOINTS", calm[point])
    report = site.here(MEASURES, "crash.jsonl", workers=1)
    assert caplog.messages.count("worker replaced") == 1
    assert report.records == 20_000 and site.digest("crash.jsonl") == site.digest("calm.jsonl")
    assert site.leftovers() == []


@pytest.mark.parametrize("point", ["drawer.draw", "drawer.sealed"])
def test_a_stream_loses_no_row_when_a_worker_dies(site: Site, calm: dict[str, str], point: str) -> None:
    options: dict[str, Any] = {"workers": 1, "patch": {SMALL: 4096}, "streams": {"stdout": subprocess.PIPE}}
    run = site.start(MEASURES, "-", points=calm[point], **options)
    said, _ = run.process.communicate(timeout=60)
    assert run.process.returncode == 0
    assert said == site.path("calm.jsonl").read_bytes()


@pytest.mark.parametrize("point", ["drawer.draw:kill", "drawer.sealed:kill"])
def test_a_shard_that_takes_three_workers_down_is_named(
    site: Site, small: None, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    monkeypatch.setenv("FFGEN_FAILPOINTS", point)
    site.path().write_bytes(OLD)
    with pytest.raises(InternalError, match="Shard 0 of measures took down 3 workers"):
        site.here(MEASURES, workers=1)
    assert site.path().read_bytes() == OLD and site.leftovers() == []


@pytest.mark.parametrize(("to", "files"), [("out.jsonl", 1), ("out/", 5)])
def test_a_killed_coordinator_leaves_what_was_there_and_the_next_run_works(site: Site, to: str, files: int) -> None:
    source = MEASURES if files == 1 else SHOP
    if files == 1:
        site.path().write_bytes(OLD)
    else:
        site.path("out").mkdir()
    done = site.run(source, to, points="coordinator.publish:kill", workers=1)
    assert done.code == KILLED
    assert site.path().read_bytes() == OLD if files == 1 else shown(site.path("out")) == []
    assert site.run(source, to, workers=1).code == 0
    assert site.leftovers() == []
    assert len(shown(site.folder if files == 1 else site.path("out"))) == files


def shown(folder: Path) -> list[str]:
    """The files of a folder that a user sees."""
    return sorted(path.name for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))


def test_a_worker_that_fails_ends_the_run_and_leaves_nothing(site: Site) -> None:
    site.path().write_bytes(OLD)
    done = site.run(MEASURES, points="drawer.draw:EIO", workers=1)
    assert done.code == 70 and site.path().read_bytes() == OLD and site.leftovers() == []


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(12))
def test_workers_killed_at_random_moments(site: Site, seed: int) -> None:
    """Any worker, up to three of them, at any moment: the run ends well or says which shard took workers down."""
    big = {**MEASURES, "dataset": {**MEASURES["dataset"], "count": 600_000, "unique_by": ["sensor", "hour", "value"]}}
    site.here(big, "calm.jsonl", workers=0)
    chance = random.Random(seed)
    run = site.start(big, "crash.jsonl", workers=3)
    for _ in range(3):
        if run.process.poll() is None:
            try:
                run.process.wait(chance.uniform(0.2, 1.5))
            except subprocess.TimeoutExpired:
                victims = run.children()
                if victims:
                    chance.choice(victims).send_signal(signal.SIGKILL)
    done = run.end()
    assert done.code in (0, 70), done
    assert done.code == 70 or site.digest("crash.jsonl") == site.digest("calm.jsonl")
    assert site.leftovers() == []
