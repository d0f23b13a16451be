"""All questions, then the small hot paths: `python -m bench [QUESTION ...] [--quick] [--save]`.

Twenty minutes or so when all is well, more when a figure stays bad for five rounds; --quick takes five. Peers that
are not installed (`pip install -e '.[bench]'`) are left out.
"""

import subprocess
import sys
from pathlib import Path

from bench import (
    cpu,
    drafts,
    draw,
    flat,
    memory,
    million,
    parallel,
    replay,
    rounds,
    schemas,
    serve,
    tokens,
    tpch,
    utilisation,
)

QUESTIONS: dict[str, rounds.Measure] = {
    "replay": replay.measure,
    "cpu": cpu.measure,
    "memory": memory.measure,
    "utilisation": utilisation.measure,
    "tokens": tokens.measure,
    "draw": draw.measure,
    "drafts": drafts.measure,
    "schemas": schemas.measure,
    "parallel": parallel.measure,
    "flat": flat.measure,
    "tpch": tpch.measure,
    "serve": serve.measure,
    "million": million.measure,
}
MICRO = Path(__file__).with_name("micro")


def main() -> int:
    """Non-zero when a figure fell, missed its limit, or a hot path broke. Hot paths are shown, not compared."""
    failed = rounds.main(QUESTIONS, about=__doc__)
    if "--quick" in sys.argv or any(word in QUESTIONS for word in sys.argv[1:]):
        return failed
    micro = subprocess.run(
        [sys.executable, "-m", "pytest", str(MICRO), "--benchmark-only", "-q", "-p", "no:cacheprovider"]
    )
    return failed or micro.returncode


if __name__ == "__main__":
    sys.exit(main())
