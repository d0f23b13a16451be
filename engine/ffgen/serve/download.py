"""A file of a job, whole or in parts (RFC 9110, 14). Starlette sends them, but refuses all ranges where one is not in
the file, and in words of its own."""

import re

from starlette.datastructures import Headers
from starlette.responses import FileResponse
from starlette.types import Receive, Scope, Send

from ffgen.serve.problem import Refused

_RANGE = re.compile(r"(\d{0,400})\s*-\s*(\d{0,400})", re.ASCII)


class Download(FileResponse):
    """A file, or what a request wants of it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        said = Headers(scope=scope)
        headers = [(name, value) for name, value in scope["headers"] if name != b"range"]
        if "Range" in said and self._is_same(said.get("If-Range")):
            wanted = ranges(said["Range"], int(self.headers["Content-Length"]))
            if wanted:
                headers.append((b"range", b"bytes=" + ",".join(f"{first}-{last}" for first, last in wanted).encode()))
        await super().__call__({**scope, "headers": headers}, receive, send)

    def _is_same(self, known: str | None) -> bool:
        """Whether it is the file of which a client has the rest, where it says so."""
        return known is None or known in (self.headers["ETag"], self.headers["Last-Modified"])


def ranges(said: str, size: int) -> list[tuple[int, int]]:
    """The first and last bytes of what is wanted and there; none where the unit is not ours, so that all is sent.
    Refused where a range is none, or nothing of all that is wanted is there."""
    unit, _, listed = said.partition("=")
    if unit.strip().lower() != "bytes":
        return []
    found: list[tuple[int, int]] = []
    for part in filter(None, map(str.strip, listed.split(","))):
        match = _RANGE.fullmatch(part)
        first, last = match.groups() if match else ("", "")
        if not (first or last) or (first and last and int(first) > int(last)):
            found = []
            break
        if not first:
            found.append((max(0, size - int(last)), size - 1 if int(last) else -1))
        else:
            found.append((int(first), min(int(last or size), size - 1)))
    there = [(first, last) for first, last in found if first <= last]
    if not there:
        what = f"The file has {size:,} bytes, and {said[:60]!r} is no range of them."
        raise Refused("range", what, "E.g. Range: bytes=0-999.", headers={"Content-Range": f"bytes */{size}"})
    return there
