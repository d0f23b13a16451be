"""Power cuts: the real journal, checkpoints and publishing on a disk that forgets what was not synced.

A small run of two tables does to the disk what a drawn run does, in the order in which it does it: blocks that come out
of turn, a log of keys, columns that are looked up, labels. Chance decides when it is killed, when the power goes, when
the disk fails, when it begins anew, when the spec changes. Whatever happens, a destination is absent, old or complete,
and the run that is let to its end makes the bytes of an undisturbed one.
"""

import random
from collections.abc import Iterator
from functools import cache
from hashlib import blake2b
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as hold
from tests.run.simdisk import Died, SimDisk, SimFile

from ffgen.disk import publish_file
from ffgen.run import keeper
from ffgen.run.journal import Checkpoint, Extent, Head, Journal, Part, Standing, Step
from ffgen.run.keeper import Advance, Keeper, Places, sum_of, tail_of

TABLES = {"first": 4, "second": 3}
"""Shards of each."""
WORK = {"first": "/d/.first.ffgen/first", "second": "/d/.second.ffgen/second", "": "/d/.labels.ffgen/labels"}
FINAL = {name: f"/d/{name or 'labels'}" for name in WORK}
PLACES = Places("/d/.first.ffgen/journal", "/d/.first.ffgen/store", WORK, FINAL)
OLD = b"what was here before"
END = b"footer"


@cache
def piece(spec: int, name: str, shard: int) -> bytes:
    """Some hundred bytes that stand somewhere for a shard, never the same twice."""
    seed = blake2b(f"{spec}/{name}/{shard}".encode()).digest()
    return (seed * 40)[: 200 + seed[0] * 7]


@cache
def upto(spec: int, name: str, shard: int) -> bytes:
    """All pieces before that of a shard."""
    return b"".join(piece(spec, name, before) for before in range(shard))


@cache
def whole(spec: int, name: str) -> bytes:
    """What an undisturbed run makes."""
    if name:
        return upto(spec, name, TABLES[name]) + END
    return b"".join(upto(spec, f"labels of {table}", count) for table, count in TABLES.items())


class Toy:
    """One run: `work` goes a little further at each step."""

    def __init__(self, disk: SimDisk, spec: int, fresh: bool = False) -> None:
        self.disk, self.spec, self.chance = disk, spec, disk.chance
        self.keeper = Keeper(disk, PLACES, lambda: {"spec": str(spec)})
        self.kept = None if fresh else self.keeper.take_over()
        if self.kept is None:
            self.keeper.begin_anew()
        tables = {} if self.kept is None else self.kept.tables
        self.standing = {name: len(tables.get(name, Standing()).parts) for name in TABLES}
        self.done = {name for name, table in tables.items() if table.done}
        self.told, self.told_done = dict(self.standing), set(self.done)
        self.labels = 0 if self.kept is None or self.kept.labels is None else self.kept.labels.size

    def work(self) -> Iterator[None]:
        published = set() if self.kept is None else self.kept.published
        if self.kept is None or not self.kept.sums:
            self.open(WORK[""]).truncate(self.labels)
            for name in TABLES:
                if name not in self.done:
                    yield from self.draw(name)
            if self.keeper.is_begun:
                self.commit()
        paths = {name: FINAL[name] if name in published else WORK[name] for name in WORK}
        self.keeper.complete({name: sum_of(self.disk, path) for name, path in paths.items()})
        for name in WORK:
            yield
            if name not in published:
                publish_file(self.disk, WORK[name], FINAL[name])
        yield
        self.keeper.forget()

    def draw(self, name: str) -> Iterator[None]:
        """A table's shards, written out of turn; the gate's keys run ahead of what stands."""
        file, first, written = self.open(WORK[name]), self.standing[name], set[int]()
        if not first:
            file.truncate(0)
        if name == "first":
            self.open(PLACES.keys(name)).truncate(len(upto(self.spec, "keys", first)))
        for shard in self.turns(first, TABLES[name]):
            file.write_at(len(upto(self.spec, name, shard)), piece(self.spec, name, shard))
            if name == "first":
                self.store(shard)
            written.add(shard)
            yield
            while self.standing[name] in written:
                self.stands(name, self.standing[name])
            if self.chance.random() < 0.5:
                self.commit()
            yield
        file.write_at(len(upto(self.spec, name, TABLES[name])), END)
        self.done.add(name)

    def turns(self, first: int, count: int) -> list[int]:
        turns = list(range(first, count))
        if self.chance.random() < 0.5:
            self.chance.shuffle(turns)
        return turns

    def store(self, shard: int) -> None:
        """A column that others look up, as `run.store` keeps it, and all keys so far and to come."""
        partial = self.open(PLACES.stored("first", shard) + ".1")
        partial.truncate(0)
        partial.write_at(0, piece(self.spec, "stored", shard))
        self.disk.rename(PLACES.stored("first", shard) + ".1", PLACES.stored("first", shard))
        begin = len(upto(self.spec, "keys", self.standing["first"]))
        self.open(PLACES.keys("first")).write_at(begin, upto(self.spec, "keys", TABLES["first"])[begin:])

    def stands(self, name: str, shard: int) -> None:
        data = piece(self.spec, f"labels of {name}", shard)
        self.open(WORK[""]).write_at(self.labels, data)
        self.labels += len(data)
        self.standing[name] += 1

    def commit(self) -> None:
        advances = [
            self.advance(name)
            for name in TABLES
            if self.standing[name] > self.told[name] or (name in self.done and name not in self.told_done)
        ]
        if advances:
            self.keeper.commit(advances, self.labels)
        self.told, self.told_done = dict(self.standing), set(self.done)

    def advance(self, name: str) -> Advance:
        first, end, done = self.told[name], self.standing[name], name in self.done
        keyed = name == "first"
        return Advance(
            table=name,
            first=first,
            parts=[Part(len(upto(self.spec, name, shard)), 1) for shard in range(first, end)],
            size=len(upto(self.spec, name, end)) + len(END) * done,
            keys=len(upto(self.spec, "keys", end)) if keyed else None,
            stores=keyed,
            done=done,
        )

    def open(self, path: str) -> SimFile:
        return self.disk.open(path, create=True)

    def looks_right(self) -> bool:
        """Whether what was taken over is what was made: what the gate and those who look up would read."""
        kept = {} if self.kept is None else self.kept.tables
        for name, table in kept.items():
            for shard in range(len(table.stored)):
                if bytes(self.disk.seen[PLACES.stored(name, shard)].seen) != piece(self.spec, "stored", shard):
                    return False
            if table.keys is not None and not table.done:
                if bytes(self.disk.seen[PLACES.keys(name)].seen) != upto(self.spec, "keys", len(table.parts)):
                    return False
        return True


class Schedule:
    """A disk, and the runs that are cut short on it one after the other."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.disk = SimDisk(self.chance)
        self.spec, self.specs, self.resumed, self.cuts = 0, {0}, 0, 0
        self.toy: Toy | None = None
        for name in self.chance.sample(list(FINAL), k=2):
            self.disk.open(FINAL[name], create=True).write_at(0, OLD)
            self.disk.seen[FINAL[name]].stable = bytearray(OLD)
            self.disk.seen[FINAL[name]].pending.clear()
        self.disk.sync_folder("/d")

    def go(self, steps: int, *, fresh: bool = False, die_in: int = -1, fail_at: int = -1) -> None:
        """A run goes so far, and no further: by itself, dying within a call, or because a sync fails."""
        self.disk.steps, self.disk.syncs = die_in, fail_at
        try:
            self.toy = Toy(self.disk, self.spec, fresh)
            assert self.toy.looks_right()
            self.resumed += self.toy.kept is not None
            for _ in zip(range(steps), self.toy.work(), strict=False):
                pass
        except (Died, OSError):
            pass
        finally:
            self.disk.steps = self.disk.syncs = -1

    def change_spec(self) -> None:
        self.spec += 1
        self.specs.add(self.spec)

    def cut_power(self) -> None:
        self.cuts += 1
        self.disk.cut_power()
        self.holds()

    def holds(self) -> None:
        """Destinations are absent, old or complete."""
        for name, path in FINAL.items():
            if path in self.disk.seen:
                there = bytes(self.disk.seen[path].seen)
                assert there == OLD or there in [whole(spec, name) for spec in self.specs], name

    def end(self) -> None:
        """A run is let to its end; power goes right after, and it makes no difference. Nor does another run."""
        for _ in range(2):
            self.go(1000)
            self.disk.cut_power()
            for name, path in FINAL.items():
                assert bytes(self.disk.seen[path].seen) == whole(self.spec, name), name


class Power(RuleBasedStateMachine):
    """Whatever may happen, in any order."""

    @initialize(seed=st.integers(0, 2**32))
    def begin(self, seed: int) -> None:
        self.schedule = Schedule(seed)

    @rule(steps=st.integers(1, 25), fresh=st.sampled_from([False] * 9 + [True]))
    def is_killed(self, steps: int, fresh: bool) -> None:
        self.schedule.go(steps, fresh=fresh)

    @rule(calls=st.integers(0, 60))
    def dies_in_a_call(self, calls: int) -> None:
        self.schedule.go(1000, die_in=calls)

    @rule()
    def power_goes(self) -> None:
        self.schedule.cut_power()

    @rule(sync=st.integers(1, 30))
    def the_disk_fails(self, sync: int) -> None:
        self.schedule.go(1000, fail_at=sync)

    @precondition(lambda self: self.schedule.spec < 2)
    @rule()
    def the_spec_changes(self) -> None:
        self.schedule.change_spec()

    @invariant()
    def holds(self) -> None:
        if hasattr(self, "schedule"):
            self.schedule.holds()

    def teardown(self) -> None:
        if hasattr(self, "schedule"):
            self.schedule.end()


def schedules(count: int, steps: int, **more: Any) -> None:
    """So many schedules of so many events."""
    told = settings(max_examples=count, stateful_step_count=steps, deadline=None, database=None, **more,
                    suppress_health_check=list(HealthCheck), report_multiple_bugs=False)  # fmt: skip
    hold(Power, settings=told)


def test_power_may_go_at_any_moment() -> None:
    schedules(1000, 8)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_power_may_go_at_any_moment_for_long() -> None:
    schedules(20_000, 30)


def random_schedule(seed: int) -> Schedule:
    """Runs that are killed and lose power in turn."""
    schedule = Schedule(seed)
    for _ in range(6):
        schedule.go(schedule.chance.randrange(30), die_in=schedule.chance.choice([-1, schedule.chance.randrange(80)]))
        if schedule.chance.random() < 0.7:
            schedule.cut_power()
    return schedule


def test_work_survives() -> None:
    """Not only is nothing wrong: what was committed is gone on with, after power cuts, too."""
    resumed = 0
    for seed in range(200):
        schedule = random_schedule(seed)
        resumed += schedule.resumed
        schedule.end()
    assert resumed > 200


def never(*_: Any) -> None:
    """What forgets to do what it should."""


@pytest.mark.parametrize("fault", ["sync", "folder", "extent", "cut", pytest.param("forget", marks=pytest.mark.soak)])
def test_a_protocol_with_a_fault_is_found_out(monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    """The schedules are worth something: each step of the protocol, left out, is missed."""
    if fault == "sync":
        monkeypatch.setattr(SimFile, "sync", never)
    elif fault == "folder":
        monkeypatch.setattr(SimDisk, "sync_folder", never)
    elif fault == "forget":
        monkeypatch.setattr(keeper, "forget", lambda disk, path: disk.remove(path))
    elif fault == "extent":
        monkeypatch.setattr(Keeper, "_extent", lambda self, path, size: Extent(size, tail_of(self._file(path), size)))
    else:
        monkeypatch.setattr(Keeper, "_cut", lambda self, path, extent: "")
    with pytest.raises((AssertionError, KeyError)):
        schedules(3000, 12, phases=[Phase.generate])


def test_a_journal_that_is_torn_or_damaged_is_read_up_to_there() -> None:
    disk = SimDisk(random.Random(0))
    made = Journal.create(disk, "/j")
    entries: list[Any] = [Head({"spec": "0"})]
    entries += [Checkpoint([Step("t", [Part(n, 1)], Extent(n, b"x"), None, [], False)], None) for n in range(3)]
    ends = [8]
    for entry in entries:
        made.append(entry)
        ends.append(disk.size("/j"))
    data = bytes(disk.seen["/j"].seen)
    for at in range(len(data)):
        for torn in (data[:at], data[:at] + bytes(len(data) - at), data[:at] + b"\xff" + data[at + 1 :]):
            disk.seen["/j"].seen[:] = torn
            read = Journal.read(disk, "/j")
            whole_ones = sum(end <= at for end in ends) - 1
            assert (read is None) == (at < 8) if torn != data else True
            assert read is None or torn == data or read[1] == entries[: max(whole_ones, 0)]


def test_what_an_older_life_of_a_journal_left_is_no_part_of_it() -> None:
    """An entry that was torn is written over by a shorter one: what follows is whole, and is not meant."""
    disk = SimDisk(random.Random(0))
    first = Journal.create(disk, "/j")
    sizes = [Checkpoint([Step("t", [], Extent(n, b""), None, [], False)], None) for n in (1, 2, 3)]
    first.append(Head({}))
    first.append(sizes[0])
    read = Journal.read(disk, "/j")
    assert read is not None
    first.append(sizes[1])
    first.append(sizes[2])
    read[0].append(sizes[2])  # as long as what was there
    again = Journal.read(disk, "/j")
    assert again is not None and again[1] == [Head({}), sizes[0], sizes[2]]


def test_the_disk_forgets() -> None:
    """What is not synced may be lost, torn, or kept; what is synced stays."""
    seen = set()
    for seed in range(300):
        disk = SimDisk(random.Random(seed))
        file = disk.open("/a/b", create=True)
        file.write_at(0, b"x" * 1000)
        file.sync()
        disk.sync_folder("/a")
        file.write_at(500, b"y" * 1500)
        disk.rename("/a/b", "/a/c")
        disk.cut_power()
        assert len(disk.seen) == 1
        ((name, inode),) = disk.seen.items()
        assert bytes(inode.seen[:500]) == b"x" * 500
        seen.add((name, bytes(inode.seen)))
    assert len({name for name, _ in seen}) == 2 and len(seen) > 10
