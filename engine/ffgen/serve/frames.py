"""How a maker speaks: a kind of one letter, a length of four bytes, that many bytes.

    H  the head of an answer, as JSON: what it is about
    D  a piece of its body
    E  its end, as JSON: what it took
    F  a failure in its place, as JSON: a problem

What it is told is a length of four bytes and JSON.
"""

import struct
from typing import Any

from msgspec import Struct

from ffgen.serve.problem import Refused
from ffgen.serve.wire import Slip

HEADER = struct.Struct(">cI")
LENGTH = struct.Struct(">I")
HEAD, DATA, END, FAILURE = b"H", b"D", b"E", b"F"


class End(Struct):
    """The end of an errand: its result, where it has one, and the memory that the maker has now."""

    rss: int
    result: Any = None


class Failure(Struct):
    """A problem on its way from a maker."""

    kind: str
    detail: str
    hint: str
    errors: list[Slip]
    headers: dict[str, str]
    cause: str = ""
    """What the operator hears of it, in the log."""

    @classmethod
    def of(cls, refused: Refused, cause: str = "") -> "Failure":
        """Of a request that a maker refuses."""
        problem = refused.problem
        return cls(refused.kind, problem.detail, problem.hint, problem.errors, refused.headers, cause)

    def refused(self) -> Refused:
        """The same on the other side."""
        return Refused(self.kind, self.detail, self.hint, self.errors, self.headers)
