import errno
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ffgen.admit import exact
from ffgen.admit.exact import KeySet
from ffgen.errors import DestinationError

Keys = NDArray[np.uint64]

# Hashes, and what hashes never are: crowds at both ends of the table, so that probes are long and wrap around.
KEYS = (
    st.integers(1, 2**64 - 1)
    | st.integers(1, 40)
    | st.integers(2**64 - 40, 2**64 - 1)
    | st.integers(1, 1000).map(lambda number: number * 0x9E3779B97F4A7C15 % 2**64 or 1)
)
BATCHES = st.lists(st.lists(KEYS, max_size=300), max_size=12)
TINY = 16 << 10


def model(batches: list[list[int]]) -> list[bool]:
    seen: set[int] = set()
    return [not (key in seen or seen.add(key)) for batch in batches for key in batch]  # type: ignore[func-returns-value]


def drawn(seed: int, count: int) -> Keys:
    return np.random.default_rng(seed).integers(1, 2**64, count, dtype=np.uint64)


@given(BATCHES, st.sampled_from([0, 100, 10_000]))
def test_adds_what_a_python_set_would(batches: list[list[int]], expected: int) -> None:
    known = KeySet(expected)
    fresh = [flag for batch in batches for flag in known.add(np.array(batch, np.uint64)).tolist()]
    seen = {key for batch in batches for key in batch}
    assert fresh == model(batches)
    assert len(known) == len(seen)
    assert known.holds(np.array(sorted(seen), np.uint64)).all()


@given(st.data())
def test_a_set_on_disk_is_the_same_set(data: st.DataObject) -> None:
    crowd = drawn(data.draw(st.integers(0, 9)), 3_000)
    seen = set(crowd.tolist())
    batches = data.draw(st.lists(st.lists(KEYS | st.sampled_from(crowd.tolist()), max_size=300), max_size=5))
    known = KeySet(0, TINY)
    known.add(crowd)
    for batch in batches:
        asked = np.array(batch, np.uint64)
        assert known.holds(asked).tolist() == [key in seen for key in batch]
        fresh = known.add(asked).tolist()
        assert fresh == [key not in seen and key not in batch[:at] for at, key in enumerate(batch)]
        seen.update(batch)
    assert len(known) == len(seen)
    known.close()


@pytest.mark.parametrize("size", [1, 32, 5_000])
def test_batches_do_not_matter(size: int) -> None:
    keys = np.concatenate([drawn(1, 20_000), drawn(1, 20_000)[::-1], drawn(2, 10_000)])
    known = KeySet(0, TINY)
    fresh = np.concatenate([known.add(keys[at : at + size]) for at in range(0, len(keys), size)])
    assert fresh.tolist() == [True] * 20_000 + [False] * 20_000 + [True] * 10_000
    known.close()


def test_a_million_records_within_one_mebibyte() -> None:
    """Duplicates half a million rows apart, long past the bound, are seen all the same."""
    first = drawn(3, 500_000)
    second = drawn(4, 500_000)
    again = np.random.default_rng(5).random(500_000) < 0.3
    second[again] = first[again]
    keys = np.concatenate([first, second])
    known = KeySet(1_000_000, 1 << 20)
    fresh = np.concatenate([known.add(keys[at : at + 256]) for at in range(0, len(keys), 256)])
    assert fresh.tolist() == model([keys.tolist()])
    assert not known.holds(drawn(6, 1_000)).any()
    known.close()


RESIDENT = """
import sys
import numpy as np
import psutil
from ffgen.admit.exact import KeySet

rng = np.random.default_rng(1)
def batch(size):
    return rng.integers(1, 2**64, size, dtype=np.uint64)

warm = KeySet(0, 16 << 10)
warm.add(batch(20_000))
warm.close()
me = psutil.Process()
before = me.memory_info().rss
known = KeySet(3_000_000, 8 << 20, sys.argv[1])
peak = 0
for _ in range(46):
    known.add(batch(65_536))
    peak = max(peak, me.memory_info().rss)
assert len(known) > 3_000_000
print(peak - before)
"""


def test_stays_within_its_memory(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", RESIDENT, str(tmp_path)], capture_output=True, text=True, check=True, timeout=60
    )
    assert int(done.stdout) <= (8 << 20) + (3 << 20)
    assert not list(tmp_path.iterdir())


def test_nothing_lies_in_the_folder_even_while_it_is_used(tmp_path: Path) -> None:
    known = KeySet(0, TINY, str(tmp_path))
    known.add(drawn(1, 5_000))
    assert not list(tmp_path.iterdir())
    known.close()
    assert len(known) == 0


def test_a_full_disk_says_how_much_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    known = KeySet(0, TINY, str(tmp_path))
    known.add(drawn(1, 2_000))
    monkeypatch.setattr(exact, "_write", refuse)
    with pytest.raises(DestinationError, match=r"No space left.* more than there is.*--dedup-memory") as caught:
        known.add(drawn(2, 2_000))
    assert str(tmp_path) in caught.value.what
    assert len(known) == 0


def test_a_folder_that_is_not_there_is_named() -> None:
    missing = str(Path(tempfile.gettempdir(), "no", "such", "folder"))
    known = KeySet(0, TINY, missing)
    with pytest.raises(DestinationError, match="no/such/folder"):
        known.add(drawn(1, 2_000))
