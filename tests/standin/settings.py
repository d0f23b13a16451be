"""What the stand-in is told: one frozen struct, the same from a command line, from Python and at run time."""

import argparse
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Amount = Annotated[float, msgspec.Meta(ge=0)]
Count = Annotated[int, msgspec.Meta(ge=0)]

# Where several strike one request, the first in this order does; each is drawn for itself.
FAULTS = (
    "noschema",
    "http429",
    "http503",
    "http500",
    "hang",
    "reset",
    "half",
    "drip",
    "nodone",
    "malformed",
    "cut",
    "wrong",
    "empty",
    "few",
    "drop",
    "swap",
    "repeat",
)
_FIXED = ("port", "host")


class Turn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One answer of a script: a text, cut off or not, or an error's status."""

    text: str = ""
    cut: bool = False
    status: Annotated[int, msgspec.Meta(ge=200, le=599)] = 200


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that can be set. Seconds, shares of 1, tokens of four characters; 0 and None mean "no such thing".

    `latency` + `jitter` x a number in 0..1 drawn from the body + tokens / `pace` is how long a request holds its slot,
    to the millisecond or so that timers have for a grain (1 ms asked is 1.3 to 1.7 ms held; the counters say which).
    `reject_over`: requests in the house, waiting ones included, beyond which the next gets 429; else all wait.
    `habit`: with a pool, some records come more often, the higher the more so; which ones follows from what the last
    message says of these rows, and none that it says are taken; a reply says nothing twice.
    `retry_says`: what the Retry-After header says instead of the seconds; `date` for those as a date, beside a Date
    that is a year back, by the server's own clock.
    `pool`: only so many distinct records exist. `duplicates`: that share of rows comes from 64 shared records.
    `ready`: rows from a ring with one fresh field each, for benches (see `replies`).
    `drop`, `swap`, `repeat`: where rows are given, every third one is left out, neighbours exchange their numbers and
    marks, or rows are said twice, differently. `mention`: texts of a given row begin with its mark.
    `script`: requests for text get these answers, in order since the last reset, the last one again and again; set it
    from Python, once the server listens.
    `fault_tries`: faults strike only the first so many tries of a body; 0 is all of them.
    """

    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 0
    host: str = "127.0.0.1"
    api: Literal["ollama", "openai", "anthropic", "both"] = "ollama"
    models: tuple[str, ...] = ("standin",)
    any_model: bool = False
    api_key: str | None = None
    slots: Annotated[int, msgspec.Meta(ge=1)] = 4
    reject_over: Count | None = None
    retry_after: Amount = 1.0
    retry_says: str = ""
    latency: Amount = 0.0
    jitter: Amount = 0.0
    pace: Amount = 0.0
    script: tuple[Turn, ...] = ()
    drip_rate: Annotated[float, msgspec.Meta(gt=0)] = 2000.0
    pool: Count = 0
    habit: Amount = 0.0
    duplicates: Share = 0.0
    ready: bool = False
    fault_tries: Count = 0
    noschema: Share = 0.0
    http429: Share = 0.0
    http503: Share = 0.0
    http500: Share = 0.0
    hang: Share = 0.0
    reset: Share = 0.0
    half: Share = 0.0
    drip: Share = 0.0
    nodone: Share = 0.0
    malformed: Share = 0.0
    cut: Share = 0.0
    wrong: Share = 0.0
    empty: Share = 0.0
    few: Share = 0.0
    drop: Share = 0.0
    swap: Share = 0.0
    repeat: Share = 0.0
    mention: bool = False

    def changed(self, changes: dict[str, Any]) -> "Settings":
        """These settings with `changes`; msgspec.ValidationError for an unknown name, a wrong value, port or host."""
        fixed = [name for name in _FIXED if name in changes]
        if fixed:
            raise msgspec.ValidationError(f"`{fixed[0]}` can't change while the server listens")
        return msgspec.convert(msgspec.to_builtins(self) | changes, Settings)

    def faults(self) -> tuple[tuple[str, float], ...]:
        """The faults that can happen, with their shares, in order."""
        return tuple((name, share) for name in FAULTS if (share := getattr(self, name)))

    def arguments(self) -> list[str]:
        """The command line that says the same."""
        line: list[str] = []
        for field in msgspec.structs.fields(Settings):
            value = getattr(self, field.name)
            if field.name == "script":
                continue
            flag = "--" + field.name.replace("_", "-")
            if value != field.default:
                line += [flag] if value is True else [flag, ",".join(value) if isinstance(value, tuple) else str(value)]
        return line


def parse(line: Sequence[str]) -> tuple[Settings, bool]:
    """Settings from a command line, and whether to stop when stdin ends. A wrong one exits, as argparse does."""
    parser = argparse.ArgumentParser(prog="python -m tests.standin", description=Settings.__doc__)
    parser.add_argument("--with-stdin", action="store_true", help="stop when stdin reaches its end")
    for field in msgspec.structs.fields(Settings):
        flag = "--" + field.name.replace("_", "-")
        if field.type is bool:
            parser.add_argument(flag, action="store_true", default=argparse.SUPPRESS)
        else:
            parser.add_argument(flag, default=argparse.SUPPRESS, metavar="X", help=f"default {field.default}")
    values = vars(parser.parse_args(line))
    with_stdin = bool(values.pop("with_stdin"))
    if "models" in values:
        values["models"] = values["models"].split(",")
    try:
        return msgspec.convert(values, Settings, strict=False), with_stdin
    except msgspec.ValidationError as error:
        parser.error(str(error))
