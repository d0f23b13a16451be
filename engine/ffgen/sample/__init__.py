"""Drawn fields: one class a sampler, one line in the table, a family a file. Vectorised; no I/O."""

import importlib
from functools import cache

from ffgen.errors import UsageError
from ffgen.sample.base import Column, Parents, Rows, Sampler, Scope

SAMPLERS: dict[str, str] = {
    # numbers
    "beta": "ffgen.sample.numbers:Beta",
    "exponential": "ffgen.sample.numbers:Exponential",
    "gamma": "ffgen.sample.numbers:Gamma",
    "kde": "ffgen.sample.quantile:Kde",
    "lognormal": "ffgen.sample.numbers:Lognormal",
    "mixture": "ffgen.sample.mixture:Mixture",
    "normal": "ffgen.sample.numbers:Normal",
    "poisson": "ffgen.sample.counts:Poisson",
    "quantiles": "ffgen.sample.quantile:Quantiles",
    "triangular": "ffgen.sample.numbers:Triangular",
    "uniform": "ffgen.sample.numbers:Uniform",
    "zipf": "ffgen.sample.counts:Zipf",
    "boolean": "ffgen.sample.counts:Chance",
    # choice
    "choice": "ffgen.sample.choice:Choice",
    "given": "ffgen.sample.given:Given",
    "hierarchy": "ffgen.sample.hierarchy:Hierarchy",
    "map": "ffgen.sample.given:Map",
    "markov": "ffgen.sample.markov:Markov",
    # time
    "moment": "ffgen.sample.time:Moment",
    "rhythm": "ffgen.sample.time:Rhythm",
    "arrivals": "ffgen.sample.series:Arrivals",
    "series": "ffgen.sample.series:Series",
    "series_value": "ffgen.sample.series:SeriesValue",
    # identity
    "person.first_name": "ffgen.sample.person:FirstName",
    "person.last_name": "ffgen.sample.person:LastName",
    "person.full_name": "ffgen.sample.person:FullName",
    "person.email": "ffgen.sample.person:PersonEmail",
    "person.user_name": "ffgen.sample.person:UserName",
    "person.gender": "ffgen.sample.person:Gender",
    "person.birth_date": "ffgen.sample.person:BirthDate",
    "person.age": "ffgen.sample.person:Age",
    "place.city": "ffgen.sample.geography:City",
    "place.region": "ffgen.sample.geography:Region",
    "place.country": "ffgen.sample.geography:Country",
    "place.country_code": "ffgen.sample.geography:CountryCode",
    "place.postcode": "ffgen.sample.geography:Postcode",
    "place.latitude": "ffgen.sample.geography:Latitude",
    "place.longitude": "ffgen.sample.geography:Longitude",
    "place.time_zone": "ffgen.sample.geography:TimeZone",
    "place.phone_prefix": "ffgen.sample.geography:PhonePrefix",
    "place.street": "ffgen.sample.geography:Street",
    "place.address": "ffgen.sample.geography:Address",
    "company.name": "ffgen.sample.company:CompanyName",
    "company.domain": "ffgen.sample.company:CompanyDomain",
    "company.email": "ffgen.sample.company:CompanyEmail",
    # text
    "template": "ffgen.sample.text:Template",
    "words": "ffgen.sample.text:Words",
    "sentences": "ffgen.sample.sentences:Sentences",
    "ngram": "ffgen.sample.ngram:Ngram",
    "grammar": "ffgen.sample.grammar:Grammar",
    "pattern": "ffgen.sample.regex:Pattern",
    # ids
    "sequence": "ffgen.sample.ids:Sequence",
    "uuid4": "ffgen.sample.ids:Uuid4",
    "uuid7": "ffgen.sample.ids:Uuid7",
    "ulid": "ffgen.sample.ids:Ulid",
    "hash": "ffgen.sample.ids:Hash",
    "card": "ffgen.sample.codes:Card",
    "iban": "ffgen.sample.codes:Iban",
    "ean": "ffgen.sample.codes:Ean",
    "isbn": "ffgen.sample.codes:Isbn",
    "imei": "ffgen.sample.codes:Imei",
    "ipv4": "ffgen.sample.net:Ipv4",
    "ipv6": "ffgen.sample.net:Ipv6",
    "mac": "ffgen.sample.net:Mac",
    "phone": "ffgen.sample.net:Phone",
    "url": "ffgen.sample.net:Url",
    "user_agent": "ffgen.sample.net:UserAgent",
    "file_name": "ffgen.sample.net:FileName",
    "version": "ffgen.sample.net:Version",
    "color": "ffgen.sample.net:Color",
    # provider
    "provider": "ffgen.sample.provider:Provider",
    # structure
    "object": "ffgen.sample.structure:Object",
    "array": "ffgen.sample.structure:Array",
    "listed": "ffgen.sample.reference:Listed",
    "ref": "ffgen.sample.reference:Reference",
    "row_count": "ffgen.sample.reference:RowCount",
    "total": "ffgen.sample.reference:Total",
    # dependence
    "monotone": "ffgen.sample.dependence:Monotone",
    "running_total": "ffgen.sample.dependence:RunningTotal",
    "derived": "ffgen.sample.dependence:Derived",
}
"""A sampler's name in the spec, and where its class is."""


def resolve(name: str) -> type[Sampler]:
    """The class of a sampler: built in, of a package or of a file that was allowed. KeyError when there is none,
    UsageError for a plugin that can't be used. Only now is its file imported; packages are looked at only for a name
    that is not built in."""
    if name not in SAMPLERS:
        found: type[Sampler] = importlib.import_module("ffgen.sample.plugins").find(name)
        return found
    return _built_in(name)


def gives(name: str) -> str:
    """The type of a field that names this generator and no type; empty where there is no such generator."""
    try:
        return resolve(name).gives
    except (KeyError, UsageError):
        return ""


@cache
def _built_in(name: str) -> type[Sampler]:
    module, _, attribute = SAMPLERS[name].partition(":")
    kind: type[Sampler] = getattr(importlib.import_module(module), attribute)
    return kind


__all__ = ["SAMPLERS", "Column", "Parents", "Rows", "Sampler", "Scope", "gives", "resolve"]
