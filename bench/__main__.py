"""All questions, then the small hot paths: `python -m bench [QUESTION ...] [--quick] [--save]`.

Five minutes or so when all is well, up to 25 when a figure stays bad for five rounds; --quick takes one minute.
"""

import subprocess
import sys
from pathlib import Path

from bench import cpu, memory, replay, rounds, tokens, utilisation

QUESTIONS: dict[str, rounds.Measure] = {
    "replay": replay.measure,
    "cpu": cpu.measure,
    "memory": memory.measure,
    "utilisation": utilisation.measure,
    "tokens": tokens.measure,
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
