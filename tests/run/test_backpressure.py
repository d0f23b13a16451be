"""A slow reader slows the model down, and bounds the memory; one that leaves ends the run quietly."""

import json
import os
import subprocess
import sys
import time

import pytest
from tests.run.drive import ROOT, Site, spec
from tests.standin import Standin

TEXT = [{"name": "text", "type": "string", "length": [400, 500]}]
COUNT = 2000
ROW = 500
UNWRITTEN = 65_536
PIPE = 65_536
"""Bytes that a pipe of Linux holds."""


@pytest.mark.parametrize("workers", [0, 1])
def test_nobody_reads_and_so_nobody_is_asked(site: Site, server: Standin, workers: int) -> None:
    server.set(latency=0.05)
    run = site.start(
        spec(server.url, COUNT, TEXT, batch_size=20, max_tokens=9000),
        "-",
        streams={"stdout": subprocess.PIPE},
        workers=workers,
        patch={"ffgen.run.bench.UNWRITTEN": UNWRITTEN},
    )
    asked = standstill(server)
    # What waits: in the pipe, with the writer, and what was in flight when it stopped.
    assert asked * 20 * ROW <= PIPE + 2 * UNWRITTEN + 4 * 20 * ROW
    assert asked < COUNT // 20 and run.process.poll() is None
    assert run.process.stdout is not None
    server.set(latency=0)
    said, _ = run.process.communicate(timeout=60)
    assert run.process.returncode == 0
    rows = [json.loads(line)["text"] for line in said.splitlines()]
    assert len(set(rows)) == len(rows) == COUNT


def standstill(server: Standin) -> int:
    """The number of requests once it does not change any more."""
    before, asked = -1, 0
    while before != asked or asked == 0:
        before = asked
        time.sleep(0.5)
        asked = server.stats()["requests"]
    return int(asked)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_reader_that_leaves_ends_the_run_quietly(site: Site, server: Standin, workers: int) -> None:
    server.set(latency=0.02)
    path = site.path("spec.json")
    path.write_text(json.dumps(spec(server.url, COUNT, TEXT)))
    command = f"{sys.executable} -m ffgen_cli run {path} -o - --workers {workers} --progress none"
    environ = os.environ | {"FFGEN_CACHE_DIR": str(site.cache), "HOME": str(site.folder)}
    command += " | head -n 5; echo ${PIPESTATUS[0]}"
    said = subprocess.run(["bash", "-c", command], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60)
    *lines, code = said.stdout.splitlines()
    assert code == "141" and len([json.loads(line) for line in lines]) == 5, said
    assert said.stderr == ""
    assert server.stats()["requests"] < COUNT // 8
