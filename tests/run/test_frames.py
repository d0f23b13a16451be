"""A run as an iterator of frames."""

import asyncio
import gc
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.run.drive import spec
from tests.standin import Standin

import ffgen
from ffgen.errors import EndpointError, ShortfallError
from ffgen.run import frames as module

Run = Callable[..., ffgen.Frames]


@pytest.fixture
def run(tmp_path: Path, server: Standin) -> Run:
    """`ffgen.run` without a destination, at the stand-in."""

    def made(count: int = 96, **options: Any) -> ffgen.Frames:
        return ffgen.run(spec(server.url, count=count, **options), cache_dir=tmp_path)

    return made


def gone(name: str = "ffgen-frames", seconds: float = 5) -> bool:
    """Whether all threads of runs end in time."""
    end = time.monotonic() + seconds
    while any(thread.name == name for thread in threading.enumerate()):
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def test_frames_hold_what_a_file_would(
    run: Run, tmp_path: Path, server: Standin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FRAME_ROWS", 32)
    frames = run()
    assert iter(frames) is frames and frames.report is None
    made = list(frames)
    assert [len(frame) for frame in made] == [32, 32, 32]
    assert made[0].schema == {"name": pl.String, "age": pl.Int64, "status": pl.String}
    report = frames.report
    assert report is not None and (report.records, report.output, report.format) == (96, "frames", "frames")
    filed = ffgen.run(spec(server.url), tmp_path / "out.parquet", cache_dir=tmp_path)
    assert pl.concat(made).equals(pl.read_parquet(tmp_path / "out.parquet")) and filed.requests == 0
    assert next(frames, None) is None and gone()


def test_formats_and_nested_values_are_typed_columns(run: Run) -> None:
    fields = [
        {"name": "d", "type": "date", "format": "%d.%m.%Y"},
        {"name": "m", "type": "datetime"},
        {
            "name": "o",
            "type": "object",
            "fields": [{"name": "t", "type": "time"}, {"name": "l", "type": "array", "items": {}}],
        },
    ]
    (frame,) = run(16, fields=fields)
    assert frame.schema == {
        "d": pl.String,
        "m": pl.Datetime("us", "UTC"),
        "o": pl.Struct({"t": pl.Time, "l": pl.List(pl.String)}),
    }
    assert frame["d"].str.contains(r"^\d\d\.\d\d\.\d{4}$").all() and frame.null_count().sum_horizontal().item() == 0


def test_nothing_is_asked_before_the_first_frame_is_wanted(run: Run, server: Standin) -> None:
    with run() as frames:
        assert frames.report is None
    assert server.stats()["requests"] == 0 and list(frames) == []


@pytest.mark.parametrize("how", ["close", "with", "del", "break"])
def test_a_run_left_early_stops(run: Run, server: Standin, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    monkeypatch.setattr(module, "FRAME_ROWS", 8)
    frames = run(100_000)
    assert len(next(frames)) == 8
    if how == "close":
        frames.close()
        frames.close()
        assert frames.report is None and list(frames) == []
    elif how == "with":
        with frames:
            pass
    elif how == "break":
        for frame in frames:
            assert len(frame) == 8
            break
    del frames
    gc.collect()
    assert gone()
    assert server.stats()["requests"] < 1000


def test_a_slow_consumer_slows_the_model_down(run: Run, server: Standin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FRAME_ROWS", 8)
    with run(100_000) as frames:
        next(frames)
        time.sleep(0.5)
        waiting = server.stats()["requests"]
        time.sleep(0.3)
        assert server.stats()["requests"] == waiting < 200


def test_a_run_waiting_for_its_model_stops_when_closed(run: Run, server: Standin) -> None:
    server.set(latency=0.4)
    frames = run()
    taker = threading.Thread(target=lambda: list(frames), daemon=True)
    taker.start()
    time.sleep(0.2)
    frames.close()
    taker.join(5)
    assert not taker.is_alive() and gone() and frames.report is None


def test_an_error_comes_where_the_frames_are_taken(run: Run, server: Standin, tmp_path: Path) -> None:
    server.set(pool=20)
    frames = run()
    with pytest.raises(ShortfallError, match="20 distinct records"):
        list(frames)
    assert list(frames) == [] and frames.report is None and gone()
    with pytest.raises(EndpointError):
        next(ffgen.run(spec("http://127.0.0.1:9"), cache_dir=tmp_path))


def test_frames_come_inside_a_running_loop(run: Run) -> None:
    async def notebook() -> int:
        return sum(len(frame) for frame in run())

    assert asyncio.run(notebook()) == 96


def test_who_watches_is_told(tmp_path: Path, server: Standin) -> None:
    seen: list[ffgen.Progress] = []
    list(ffgen.run(spec(server.url), cache_dir=tmp_path, watch=seen.append))
    assert seen[-1].records == seen[-1].wanted == 96
