"""What a service counts of itself, as Prometheus reads it. Labels are routes, methods, statuses and states: never
what a client sent."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence

BOUNDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0)


class Metrics:
    """Counters since the start."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, str, int]] = Counter()
        self.in_flight = 0
        self.cut = 0
        self.rows = 0
        self._buckets: dict[str, list[int]] = {}
        self._seconds: Counter[str] = Counter()

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """One request is over."""
        self.requests[method, route, status] += 1
        buckets = self._buckets.setdefault(route, [0] * (len(BOUNDS) + 1))
        buckets[bisect_left(BOUNDS, seconds)] += 1
        self._seconds[route] += seconds  # type: ignore[assignment]  # a Counter adds what it is given

    def text(self, lanes: Mapping[str, tuple[int, int, int]], jobs: Mapping[str, int]) -> str:
        """All of it. A lane has makers that are busy, all of them, and requests that wait."""
        lines = _head("ffgen_requests_total", "counter", "Requests that were answered.")
        for (method, route, status), count in sorted(self.requests.items()):
            lines.append(f'ffgen_requests_total{{method="{method}",route="{route}",status="{status}"}} {count}')
        lines += _head("ffgen_request_seconds", "histogram", "Time to the end of an answer.")
        for route in sorted(self._buckets):
            lines += self._histogram(route)
        lines += _head("ffgen_requests_in_flight", "gauge", "Requests under way.")
        lines.append(f"ffgen_requests_in_flight {self.in_flight}")
        lines += _head("ffgen_answers_cut_total", "counter", "Streams that failed after their status line.")
        lines.append(f"ffgen_answers_cut_total {self.cut}")
        lines += _head("ffgen_rows_total", "counter", "Rows that POST /generate has answered with.")
        lines.append(f"ffgen_rows_total {self.rows}")
        for place, (name, told) in enumerate(LANE_GAUGES):
            lines += _head(name, "gauge", told)
            lines += [f'{name}{{lane="{lane}"}} {figures[place]}' for lane, figures in lanes.items()]
        lines += _head("ffgen_jobs", "gauge", "Jobs by state.")
        lines += [f'ffgen_jobs{{state="{state}"}} {count}' for state, count in sorted(jobs.items())]
        return "\n".join([*lines, ""])

    def _histogram(self, route: str) -> list[str]:
        total, lines = 0, []
        for bound, count in zip([*map(str, BOUNDS), "+Inf"], self._buckets[route], strict=True):
            total += count
            lines.append(f'ffgen_request_seconds_bucket{{route="{route}",le="{bound}"}} {total}')
        seconds = f'ffgen_request_seconds_sum{{route="{route}"}} {self._seconds[route]:.6f}'
        return [*lines, seconds, f'ffgen_request_seconds_count{{route="{route}"}} {total}']


LANE_GAUGES: Sequence[tuple[str, str]] = (
    ("ffgen_makers_busy", "Makers at work."),
    ("ffgen_makers", "Makers that there may be."),
    ("ffgen_requests_waiting", "Requests that wait for a maker."),
)


def _head(name: str, kind: str, told: str) -> list[str]:
    return [f"# HELP {name} {told}", f"# TYPE {name} {kind}"]
