"""A run that nobody disturbs: what runs that die must end with in the end, and what they may ask of its server."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.run.drive import KILLED, OLD, Site
from tests.standin import Standin, start

IN_FLIGHT = 4


@dataclass(frozen=True)
class Calm:
    """What an undisturbed run makes, how long it takes, and the server that it asked. `spare`: requests that a run may
    send again though none was killed, beside those that failed; None for neither."""

    server: Standin
    source: dict[str, Any]
    digest: str
    seconds: float
    spare: int | None

    def dies(self, site: Site, point: str, workers: int = 1) -> None:
        """The coordinator is killed at a fail point; the destination is as it was."""
        done = site.run(self.source, points=f"coordinator.{point}", workers=workers)
        assert done.code == KILLED and site.path().read_bytes() == OLD, done

    def recovers(self, site: Site, kills: int = 1, workers: int = 0) -> None:
        """The same command again ends well, with the same bytes, and asks again what was in flight at most."""
        if workers:
            done = site.run(self.source, workers=workers)
            assert done.code == 0, done
            retries = done.report["retries"]
        else:
            retries = site.here(self.source).retries
        assert site.digest() == self.digest
        assert site.leftovers() == []
        spare = 0 if self.spare is None else self.spare + retries
        assert self.server.stats()["repeated"] <= kills * IN_FLIGHT + spare

    def has_all_replies(self, site: Site) -> None:
        """The same command again, and nothing is asked."""
        before = self.server.stats()["requests"]
        self.recovers(site)
        assert self.server.stats()["requests"] == before, "all replies were there"


@contextmanager
def calm_run(
    folder: Path, make: Callable[[str], dict[str, Any]], spare: int | None = None, **faults: Any
) -> Iterator[Calm]:
    """One with a worker. Each reply takes a little while; what `faults` do, they do at the first try of a request."""
    with start(slots=8, latency=0.05, jitter=0.05, fault_tries=1, **faults) as server:
        site = Site(folder)
        source = make(server.url)
        done = site.run(source, workers=1)
        assert done.code == 0, done
        yield Calm(server, source, site.digest(), done.seconds, spare)
