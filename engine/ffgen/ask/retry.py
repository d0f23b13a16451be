"""When to ask again. Pure: time and randomness are arguments, so every decision can be tested without waiting."""

import re
from datetime import UTC
from email.utils import parsedate_to_datetime

LONGEST_WAIT = 300.0
_SHARE = 0.1
_A_MINUTE = 10.0
_MOST = 60.0
_SECONDS = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?", re.ASCII)


class Budget:
    """How many retries a run may send at short notice: a tenth of its requests, and ten a minute.

    Past that nothing is given up; retries wait out their whole pause, so that a server in trouble is spared.
    """

    def __init__(self) -> None:
        self._left = _A_MINUTE
        self._at: float | None = None

    def earn(self) -> None:
        """A request was sent."""
        self._left = min(self._left + _SHARE, _MOST)

    def spend(self, now: float) -> bool:
        """Whether there is one retry left, which is then gone."""
        since = now if self._at is None else self._at
        self._left = min(self._left + max(0.0, now - since) * _A_MINUTE / 60, _MOST)
        self._at = max(since, now)
        if self._left < 1:
            return False
        self._left -= 1
        return True


def delay(tries: int, retry_after: float | None, random: float, base: float = 0.5, cap: float = 30.0) -> float:
    """Seconds to wait before the next try, after `tries` failed ones (1 or more).

    Full jitter: anything from nothing to `base` doubled with every try, `cap` at most, so that clients that failed
    together do not come back together. What the server said (`retry_after`) is obeyed instead, plus up to a fifth,
    never less. `random` is uniform in [0, 1).
    """
    if retry_after is not None:
        return retry_after * (1 + 0.2 * random)
    # 2.0**64 is past every cap already, and a larger exponent would overflow in the end.
    return float(random * min(cap, base * 2.0 ** min(max(tries - 1, 0), 64)))


def parse_retry_after(text: str | None, now: float) -> float | None:
    """The seconds that a Retry-After header asks for, held within 0 and 300; None when it says nothing usable.

    Takes both forms, seconds and an HTTP date. `now` is in seconds since 1970, best from the reply's own Date header:
    the server's clock may be hours from ours.
    """
    if text is None:
        return None
    text = text.strip()
    if _SECONDS.fullmatch(text):
        return min(float(text), LONGEST_WAIT)
    when = parse_date(text)
    return None if when is None else min(max(when - now, 0.0), LONGEST_WAIT)


def parse_date(text: str | None) -> float | None:
    """An HTTP date as seconds since 1970; None for anything else."""
    if not text or len(text) > 64:
        return None
    try:
        when = parsedate_to_datetime(text)
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
