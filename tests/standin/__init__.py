"""A model server for tests and benches: fixed slots, latency, pace, and faults on order.

In a test: `with standin.start(slots=4, malformed=0.2) as server: ... server.url, server.stats()`.
By hand: `python -m tests.standin --port 11434 --latency 0.5` from the repository's root; `--help` lists the settings.

- It speaks Ollama's native API and OpenAI's, to the contracts of `notes/ollama-api.md` and `notes/real-model.md`.
- A reply is a function of the request's body and the settings; a fault of the body and of how often that body came.
  Neither knows the time, the connection or what else arrived.
- It shares no code with ffgen, so that the two can disagree.
"""

from tests.standin.process import Standin, start
from tests.standin.settings import FAULTS, Settings

__all__ = ["FAULTS", "Settings", "Standin", "start"]
