import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ffgen.admit.gate import Gate

Keys = NDArray[np.uint64]
Rows = list[tuple[int, ...]]

TINY = 64 << 10


def model(rows: Rows, sets: int) -> list[bool]:
    """Row by row, with Python sets."""
    taken: list[set[int]] = [set() for _ in range(sets)]
    verdicts = []
    for row in rows:
        own = [(known, key) for known, key in zip(taken, row, strict=True) if key]
        verdicts.append(not any(key in known for known, key in own))
        if verdicts[-1]:
            for known, key in own:
                known.add(key)
    return verdicts


def judged(rows: Rows, sets: int, size: int, memory: int = 1 << 20) -> list[bool]:
    gate = Gate(sets, len(rows), memory)
    keys = np.array(rows, np.uint64).reshape(-1, sets)
    verdicts = [gate.judge(keys[at : at + size]) for at in range(0, len(keys), size)]
    gate.close()
    return np.concatenate(verdicts).tolist() if verdicts else []


@given(st.integers(1, 3), st.integers(1, 400), st.data())
def test_judges_as_python_sets_would(sets: int, size: int, data: st.DataObject) -> None:
    key = st.sampled_from([0, 2**64 - 1]) | st.integers(1, 25) | st.integers(1, 2**64 - 1)
    rows = data.draw(st.lists(st.tuples(*[key] * sets), max_size=400))
    assert judged(rows, sets, size) == model(rows, sets)


@pytest.mark.parametrize("sets", [1, 2, 3])
@pytest.mark.parametrize("size", [7, 64, 3_000])
def test_judges_the_same_when_the_sets_are_on_disk(sets: int, size: int) -> None:
    rng = np.random.default_rng(sets)
    pool = rng.integers(1, 2**64, 12_000, dtype=np.uint64)
    pool[:50] = 0
    rows = [tuple(row) for row in pool[rng.integers(0, len(pool), (8_000, sets))].tolist()]
    assert judged(rows, sets, size, TINY // 4) == model(rows, sets)


def test_a_refused_row_enters_no_set() -> None:
    rows: Rows = [(1, 10), (1, 20), (2, 20), (3, 20)]
    expected = [True, False, True, False]
    assert judged(rows, 2, len(rows)) == expected
    assert judged(rows, 2, 1) == expected


def test_an_absent_key_never_clashes() -> None:
    assert judged([(1, 0), (2, 0), (0, 0), (0, 0), (1, 0)], 2, 5) == [True, True, True, True, False]
    assert judged([(0,), (0,), (7,), (7,)], 1, 4) == [True, True, True, False]
