"""Short forms changed: what was said put over what the catalogue says, shares as weights, formulas renamed."""

import re
from typing import Any

from ffgen.draft import terms
from ffgen.draft.words import Phrase

SPREADS = {
    "lognormal": "median",
    "normal": "mean",
    "gamma": "",
    "exponential": "mean",
    "poisson": "mean",
    "beta": "-",
    "triangular": "mode",
    "quantiles": "",
}
NAMES = """
    Alderon Brimwick Caldera Dorvane Elsmere Fenwick Galdor Harrow Ivorne Jorvik Kelwin Lorien Marwen Norwick
    Orlan Pellam Quorin Rowan Selwyn Tarrin Ulric Varden Wendel Yarrow Zephyr Aldric Brenna Corvin Delwyn Eldan
    Farrow Gorwin Halden Isolde Kendrin Lothar Merrin Norell Osric
""".split()
TITLES = {
    "start": {
        "The <adjective> <noun>": 5,
        "<noun> of <place>": 4,
        "A <noun> in <place>": 3,
        "<adjective> <nouns>": 3,
        "The <noun> and the <noun>": 2,
    },
    "adjective": """
        Silent Golden Lost Last Hidden Broken Distant Crimson Endless Quiet Electric Wild Blue Second
        Burning
    """.split(),
    "noun": """
        River Garden Letter Shadow House Promise Summer Stranger Road Mirror Island Winter Secret Bridge
        Star
    """.split(),
    "nouns": ["Rivers", "Hearts", "Days", "Voices", "Roads", "Shadows", "Stars", "Dreams", "Lights", "Tides"],
    "place": [
        "the North",
        "Paris",
        "Winter",
        "the Valley",
        "Glass",
        "Salt",
        "Tomorrow",
        "the Sea",
        "Silver",
        "the City",
        "Autumn",
        "Stone",
    ],
}


def over(short: dict[str, Any], said: dict[str, Any]) -> dict[str, Any]:
    """What was said over what the catalogue says; what then can't hold any more is left out."""
    made = {**short, **said}
    if made.get("type") in ("boolean", "uuid", "email", "phone", "url", "ipv4"):
        made.pop("range", None)
        said = {key: value for key, value in said.items() if key != "range"}
    if "values" in said:
        for key in ("weights", "range", "decimals", "pattern", "generator", "derive", "length"):
            if key not in said:
                made.pop(key, None)
    elif "range" in said:
        made.pop("derive", None)
        if "values" in short:
            made.pop("values"), made.pop("weights", None)
            if made.get("type") == "enum":
                made["type"] = "integer"
        generator = made.get("generator")
        name = generator.get("name") if isinstance(generator, dict) else generator
        if str(name).startswith("place."):
            made.pop("generator")
        elif name in SPREADS and isinstance(generator, dict):
            low, high = said["range"]
            middle = generator.get(SPREADS[name]) if SPREADS[name] not in ("", "-") else None
            if name != "beta" and (middle is None or not low < middle < high):
                made.pop("generator")
        elif isinstance(generator, dict) and name == "series_value":
            made["generator"] = {
                **generator,
                "level": sum(said["range"]) / 2,
                "spread": 0,
                "noise": (said["range"][1] - said["range"][0]) / 20,
                "daily": (said["range"][1] - said["range"][0]) / 6,
            }
            made["generator"].pop("spikes", None)
        if "decimals" in made and made.get("type") == "integer":
            made.pop("decimals")
        if made.get("type") == "datetime":
            made["range"] = [
                said["range"][0],
                f"{said['range'][1]}T23:59:59Z" if len(str(said["range"][1])) == 10 else said["range"][1],
            ]
        if made.get("type") in ("date", "datetime"):
            fit_series(made, str(made["range"][0]))
    if "length" in said:
        made.pop("values", None), made.pop("pattern", None)
    return made


def timed(short: dict[str, Any]) -> dict[str, Any]:
    """A date with a time: of what was called one."""
    low, high = short.get("range") or ["2023-01-01", "2024-12-31"]
    return {"type": "datetime", "range": [str(low), f"{str(high)[:10]}T23:59:59Z"]}


def fit_series(field: dict[str, Any], start: str) -> None:
    generator = field.get("generator")
    if isinstance(generator, dict) and generator.get("name") == "series":
        field["generator"] = {**generator, "start": start}
        field.pop("range", None)


def weigh(short: dict[str, Any], shares: dict[str, float]) -> None:
    """Shares of values as weights; what is left goes to the other values, as they were to each other."""
    if short.get("type") == "boolean":
        short["generator"] = {"name": "boolean", "share": min(shares.get("true", 0.5), 1.0)}
        return
    values = [str(value) for value in short.get("values") or []]
    values += [value for value in shares if value not in values]
    said = sum(shares.values())
    others = [value for value in values if value not in shares]
    if said >= 0.999:
        values = [value for value in values if value in shares]
        others = []
    elif not others:
        values, others = [*values, "other"], ["other"]
    old = dict(zip([str(one) for one in short.get("values") or []], short.get("weights") or [], strict=False))
    rest = sum(old.get(value, 1) for value in others) or 1
    weights = [shares[value] if value in shares else max(1 - said, 0) * old.get(value, 1) / rest for value in values]
    numbers = all(isinstance(one, int) for one in short.get("values") or ["x"])
    short["values"] = (
        [int(value) for value in values] if numbers and all(re.fullmatch(r"-?\d+", one) for one in values) else values
    )
    short["weights"] = [round(one, 4) for one in weights]
    if short.get("type") not in ("integer", "number"):
        short["type"] = "enum"
    if short.get("generator") != "person.gender":
        short.pop("generator", None)


def rename(field: dict[str, Any], names: dict[str, str]) -> None:
    """A formula's fields by the names that they got."""
    changed = {own: got for own, got in names.items() if own != got}
    if not changed:
        return
    pattern = re.compile(r"\b(" + "|".join(map(re.escape, changed)) + r")\b")

    def new(text: str) -> str:
        return pattern.sub(lambda match: changed[match[1]], text)

    if "derive" in field:
        field["derive"] = new(field["derive"])
    generator = field.get("generator")
    if isinstance(generator, dict):
        for key in ("of", "start", "time", "entity"):
            if isinstance(generator.get(key), str) and generator[key] in changed:
                field["generator"] = generator = {**generator, key: changed[generator[key]]}


def spread(field: dict[str, Any], locales: list[str]) -> None:
    """People and places of several locales."""
    generator = field.get("generator")
    if field.get("type") == "email" and generator is None:
        generator = "person.email"
    if isinstance(generator, str) and generator.startswith(("person.", "place.", "company.")):
        field["generator"] = {"name": generator, "locale": locales}
    elif isinstance(generator, dict) and str(generator.get("name")).startswith(("person.", "place.", "company.")):
        field["generator"] = {**generator, "locale": locales}


def set_price(short: dict[str, Any], price: float) -> None:
    """What things of such a shop cost: half of them less than this."""
    generator = short.get("generator")
    if isinstance(generator, dict) and generator.get("name") == "lognormal" and short.get("type") == "number":
        short["generator"] = {**generator, "median": price, "sigma": min(generator.get("sigma", 0.8), 0.7)}
        short["range"] = [round(price / 12, 2), price * 25]


def tell_apart(short: dict[str, Any], phrase: Phrase) -> None:
    """Other people and places than the row's, and than those of its other fields: what is called alike is the same."""
    generator = short.get("generator")
    if isinstance(generator, dict) and generator.get("of") == "another":
        whose = phrase[:-1] if phrase[-1] in terms.HEADS and len(phrase) > 1 else phrase
        short["generator"] = {**generator, "of": "_".join(whose)}
