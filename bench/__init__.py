"""How fast, how steady and how small: one runnable file a question, each with a peer measured in the same run.

`python -m bench` asks them all and holds the answers against `baseline.json`; `python -m bench.cpu` asks one.
Whole runs go through the command line, as a user's do; the small hot paths are under `bench/micro/` (pytest-benchmark).
"""
