"""What a key costs at the gate, at the batch of one reply and at the batch of a drawn shard."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from pytest_benchmark.fixture import BenchmarkFixture

from ffgen.admit.exact import KeySet
from ffgen.admit.gate import Gate

KEYS = np.random.default_rng(1).integers(1, 2**64, (1 << 20, 2), dtype=np.uint64)


def passes(judge: Callable[[NDArray[np.uint64]], object], keys: NDArray[np.uint64], size: int) -> None:
    for at in range(0, len(keys), size):
        judge(keys[at : at + size])


@pytest.mark.parametrize("memory", [64 << 20, 1 << 20], ids=["memory", "disk"])
@pytest.mark.parametrize("size", [32, 65_536])
def test_add(benchmark: BenchmarkFixture, size: int, memory: int) -> None:
    """A million keys, all new, into a set that holds them in memory, or in 1 MiB and a file."""
    keys = KEYS[:, 0].copy()
    benchmark.extra_info["keys"] = len(keys)

    def add() -> None:
        known = KeySet(len(keys), memory)
        passes(known.add, keys, size)
        known.close()

    benchmark.pedantic(add, rounds=3)  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("size", [32, 65_536])
def test_judge_two_sets(benchmark: BenchmarkFixture, size: int) -> None:
    benchmark.extra_info["keys"] = len(KEYS)

    def judge() -> None:
        gate = Gate(2, len(KEYS), 128 << 20)
        passes(gate.judge, KEYS, size)
        gate.close()

    benchmark.pedantic(judge, rounds=3)  # type: ignore[no-untyped-call]
