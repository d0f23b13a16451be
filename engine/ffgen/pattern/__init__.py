"""Regular expressions as finite automata: is a pattern usable, who matches it, how many words it has, and drawing them.

One engine decides what matches: the Rust one inside polars, which takes linear time whatever the pattern. Automata
are built here, under a work budget, and serve only to count and to draw: where they can't say, they say nothing.
"""

from ffgen.pattern.engine import matches, problem
from ffgen.pattern.language import Language
from ffgen.pattern.wrap import wrapped

__all__ = ["Language", "matches", "problem", "wrapped"]
