"""The names and cities that every peer draws from, with their weights: those of ffgen's own en_US."""

from functools import cache

from msgspec import Struct

from ffgen.sample.identity import known


class Names(Struct):
    """Texts, each with how often it comes."""

    first: list[str]
    first_weights: list[float]
    last: list[str]
    last_weights: list[float]
    city: list[str]
    city_weights: list[float]


@cache
def names() -> Names:
    """Read once a process."""
    data = known("en_US")
    people = [data["male"], data["female"]]
    return Names(
        [name for sex in people for name in sex["names"]],
        [weight for sex in people for weight in sex["weights"]],
        data["last"]["names"],
        data["last"]["weights"],
        data["cities"]["names"],
        data["cities"]["weights"],
    )
