"""The spec as the user wrote it: frozen data, no behaviour, unknown keys forbidden.

Every struct here is the schema of its part of the file: `plan/schema.py` turns them into the JSON Schema that
editors use, and `spec/convert.py` turns parsed YAML into them, collecting every error.
"""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

Duration = Annotated[str | float, Meta(description="Seconds, or text such as 90s, 15m, 2h.")]


class Price(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Money per million tokens, in any one currency."""

    input: Annotated[float, Meta(ge=0)] = 0.0
    output: Annotated[float, Meta(ge=0)] = 0.0


class Key(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where an API key is read from: an environment variable or a file. Never the key itself."""

    env: str | None = None
    file: str | None = None


class Model(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The language model, and how it is asked."""

    endpoint: Annotated[
        str | list[str] | None,
        Meta(description="A server's URL, a list of URLs that serve one model, or `embedded`."),
    ] = None
    name: Annotated[str | None, Meta(description="The model's name on that server, e.g. llama3.1:8b.")] = None
    api: Annotated[
        Literal["auto", "ollama", "openai"], Meta(description="The server's dialect; recognised unless said.")
    ] = "auto"
    key: Annotated[Key | None, Meta(description="Where the API key is read from.")] = None
    batch_size: Annotated[
        Annotated[int, Meta(ge=1, le=1000)] | None, Meta(description="Records a request; 32 unless said.")
    ] = None
    concurrency: Annotated[
        Annotated[int, Meta(ge=1, le=1024)] | Literal["auto"],
        Meta(description="Requests in flight per endpoint; 2 unless said; `auto` ramps up."),
    ] = 2
    temperature: Annotated[float, Meta(ge=0, le=5)] = 0.8
    top_p: Annotated[float, Meta(gt=0, le=1)] | None = None
    max_tokens: Annotated[
        Annotated[int, Meta(ge=1)] | None,
        Meta(description="Room of one reply in tokens; estimated unless said."),
    ] = None
    timeout: Annotated[Duration, Meta(description="One request; 120 s unless said.")] = 120.0
    retries: Annotated[int, Meta(ge=0, le=20, description="Bad replies a batch may have before it is given up.")] = 3
    patience: Annotated[Duration, Meta(description="How long an endpoint may only fail before it is given up.")] = 30.0
    reply: Annotated[
        Literal["rows", "objects", "csv"], Meta(description="How rows come back; `rows` costs the fewest tokens.")
    ] = "rows"
    price: Price | None = None
    options: Annotated[
        dict[str, Any], Meta(description="Passed to the server as they are (Ollama: `options`; else the body).")
    ] = {}


class Field(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One field of a record."""

    name: Annotated[str, Meta(max_length=200)] = ""
    type: Annotated[str, Meta(description="What a value is: string, integer, email, date, object, ...")] = "string"
    description: Annotated[str | None, Meta(description="What it means; the model reads this.")] = None
    range: Annotated[
        Annotated[list[Any], Meta(min_length=2, max_length=2)] | None,
        Meta(description="[low, high], both included."),
    ] = None
    values: Annotated[Annotated[list[Any], Meta(min_length=1)] | None, Meta(description="The only values allowed.")] = (
        None
    )
    weights: Annotated[list[Annotated[float, Meta(ge=0)]] | None, Meta(description="One a value.")] = None
    pattern: Annotated[
        Annotated[str, Meta(max_length=1000)] | None,
        Meta(description="A regular expression that is searched for; anchor it with ^ and $."),
    ] = None
    length: Annotated[
        Annotated[int, Meta(ge=0)] | list[Annotated[int, Meta(ge=0)]] | None,
        Meta(description="Characters of a text, elements of an array: a number, or [low, high]."),
    ] = None
    format: Annotated[str | None, Meta(description="strftime format of a date, time or datetime in the output.")] = None
    decimals: Annotated[Annotated[int, Meta(ge=0, le=15)] | None, Meta(description="Decimal places of a number.")] = (
        None
    )
    nullable: bool = False
    unique: Annotated[bool, Meta(description="No two records share a value; nulls don't count.")] = False
    examples: Annotated[list[Any], Meta(description="Sample values for the model.")] = []
    fields: Annotated["list[Field] | None", Meta(description="The fields of an object.")] = None
    items: Annotated["Field | None", Meta(description="What an array holds.")] = None


class Dataset(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The records wanted."""

    name: Annotated[str, Meta(min_length=1, max_length=100)] = "records"
    count: Annotated[int, Meta(ge=1, le=10**12, description="Exactly how many records.")] = 1000
    domain: Annotated[str | None, Meta(description="What the data is about, in a few words.")] = None
    fields: Annotated[list[Field], Meta(min_length=1)]
    unique_by: Annotated[
        Annotated[list[str], Meta(min_length=1)] | None,
        Meta(description="Fields that tell records apart; all unless said."),
    ] = None
    require: Annotated[
        str | list[str], Meta(description="Conditions over fields of one record; rows that fail are refused.")
    ] = []
    as_of: Annotated[str, Meta(description="What `now` is for this data, ISO 8601.")] = "2025-01-01T00:00:00Z"


class Output(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where the records go, unless the command line says otherwise."""

    path: str | None = None
    format: Literal["jsonl", "csv", "parquet"] | None = None
    compression: Literal["none", "gzip", "zstd"] | None = None


class Spec(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A whole spec file in its short form."""

    version: Literal[1] = 1
    model: Model | None = None
    dataset: Dataset
    seed: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0
    output: Output | None = None
