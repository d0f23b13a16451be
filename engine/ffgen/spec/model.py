"""The spec as the user wrote it: frozen data, no behaviour, unknown keys forbidden.

Every struct here is the schema of its part of the file: `plan/schema.py` turns them into the JSON Schema that
editors use, and `spec/convert.py` turns parsed YAML into them, collecting every error.
"""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

Duration = Annotated[str | float, Meta(description="Seconds, or text such as 90s, 15m, 2h.")]


NULL_SHARE = 0.1
"""The share of nulls of a drawn field with `nullable: true`."""


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
    type: Annotated[
        str,
        Meta(description="What a value is: string, integer, email, date, ...; what its generator gives unless said."),
    ] = ""
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
    nullable: Annotated[
        bool | Annotated[float, Meta(ge=0, le=1)],
        Meta(
            description="Whether null is allowed; a number is the share of nulls when drawn (true: 0.1; 0: only those "
            "that follow from other fields)."
        ),
    ] = False
    unique: Annotated[
        "bool | Near",
        Meta(description="No two records share a value; nulls don't count. `{near: 0.85}`: nor values that alike."),
    ] = False
    examples: Annotated[list[Any], Meta(description="Sample values for the model.")] = []
    style: Annotated[
        Annotated[str, Meta(max_length=500)] | None,
        Meta(description="How a text that the model writes sounds, e.g. `dry, first person`."),
    ] = None
    forbidden_words: Annotated[
        list[Annotated[str, Meta(min_length=1)]],
        Meta(description="Words that a text must not hold, whatever their case."),
    ] = []
    min_score: Annotated[
        float,
        Meta(
            ge=0,
            le=1,
            description="What an asked text must score in length, pattern, coherence with its row and diversity; "
            "below it is asked again.",
        ),
    ] = 0.0
    fallback: Annotated[
        list[str | dict[str, Any]],
        Meta(description="Generators that make the value, in this order, where the model can't."),
    ] = []
    fields: Annotated["list[Field] | None", Meta(description="The fields of an object.")] = None
    items: Annotated["Field | None", Meta(description="What an array holds.")] = None
    generator: Annotated[
        str | dict[str, Any] | None,
        Meta(description="How it is drawn: a sampler's name, or {name: ..., parameter: ...}; see `ffgen types`."),
    ] = None
    when: Annotated[
        str | None, Meta(description="A condition over other fields: where it fails, the value is null.")
    ] = None
    derive: Annotated[str | None, Meta(description="A formula over other fields that gives the value.")] = None
    cases: Annotated[
        "list[Case] | None", Meta(description="Other parameters where a condition holds; the first that does counts.")
    ] = None
    ref: Annotated["str | Ref | None", Meta(description="A foreign key: `table.field`.")] = None
    source: Annotated[
        Literal["draw", "ask", "pool"] | None,
        Meta(
            description="Who makes the value: `draw` a generator, `ask` the model for every row, `pool` the model "
            "once, and rows draw from what it wrote. By the table's `mode` unless said."
        ),
    ] = None
    pool: Annotated["Pool | None", Meta(description="How many values, and for which groups.")] = None

    hidden: Annotated[bool, Meta(description="Drawn for other fields to use, and not written.")] = False

    @property
    def may_be_null(self) -> bool:
        """Whether null is a value of this field."""
        return self.nullable is not False or self.when is not None

    @property
    def reference(self) -> "Ref | None":
        """The foreign key, in its long form."""
        return Ref(to=self.ref) if isinstance(self.ref, str) else self.ref

    @property
    def near(self) -> float | None:
        """From which similarity on two texts of the field are twins; None where only equal values are."""
        return self.unique.near if isinstance(self.unique, Near) else None

    @property
    def null_share(self) -> float:
        """The share of nulls in a drawn column."""
        return (NULL_SHARE if self.nullable else 0.0) if isinstance(self.nullable, bool) else self.nullable


class Near(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Uniqueness of texts that holds near twins to be the same (`unique: {near: 0.85}`)."""

    near: Annotated[
        float,
        Meta(
            gt=0,
            le=1,
            description="Texts whose sets of character 4-grams have at least this Jaccard similarity are twins.",
        ),
    ]


class Pool(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Values of one field that the model writes before the rows are drawn (`source: pool`)."""

    size: Annotated[int, Meta(ge=1, le=1_000_000, description="Distinct values; with `by`, of each group.")] = 1000
    by: Annotated[
        str | None, Meta(description="Another field of the table, with `values`: a pool for each of them.")
    ] = None
    near: Annotated[
        Annotated[float, Meta(ge=0, le=1)] | None,
        Meta(
            description="From which similarity on two values are twins, of which the second is refused (0: only equal "
            "ones); as the field's `unique` says, else 0.85 for open text."
        ),
    ] = None


class Case(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Parameters of a field that hold where `when` does; those not given are the field's own."""

    when: Annotated[str, Meta(description="A condition over other fields of the record.")]
    generator: str | dict[str, Any] | None = None
    range: Annotated[list[Any], Meta(min_length=2, max_length=2)] | None = None
    values: Annotated[list[Any], Meta(min_length=1)] | None = None
    weights: list[Annotated[float, Meta(ge=0)]] | None = None
    pattern: Annotated[str, Meta(max_length=1000)] | None = None
    length: Annotated[int, Meta(ge=0)] | list[Annotated[int, Meta(ge=0)]] | None = None
    derive: str | None = None


class Ref(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename={"role": "as"}):
    """A foreign key and how many children a parent has. All refs of one table to the same parent table (and the
    same `as`) take their values from one parent row, which is what a composite key needs."""

    to: Annotated[str, Meta(description="table.field")]
    role: Annotated[str, Meta(description="Tells two refs to one table apart, e.g. buyer and seller.")] = ""
    min: Annotated[int, Meta(ge=0)] | None = None
    max: Annotated[int, Meta(ge=0)] | None = None
    mean: Annotated[float, Meta(ge=0)] | None = None
    skew: Annotated[
        float, Meta(ge=0, description="0: parents alike; 1: a few have most of the children (Zipf's exponent).")
    ] = 0.0
    orphans: Annotated[float, Meta(ge=0, le=1, description="Share of keys that no parent has.")] = 0.0
    where: Annotated[str | None, Meta(description="A condition over the parent's fields: only such rows.")] = None

    @property
    def table(self) -> str:
        """The parent table."""
        return self.to.partition(".")[0]

    @property
    def column(self) -> str:
        """The parent's field."""
        return self.to.partition(".")[2]

    @property
    def counts_children(self) -> bool:
        """Whether children are laid out parent by parent."""
        return not (self.min is None and self.max is None and self.mean is None)


class Correlation(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A Gaussian copula over fields: their own distributions stay as they are, their ranks move together."""

    fields: Annotated[list[str], Meta(min_length=2)]
    r: Annotated[float, Meta(ge=-1, le=1)] | None = None
    matrix: list[list[float]] | None = None


Share = Annotated[float, Meta(ge=0, le=1)]
Shares = Share | dict[str, Share]


class Imperfections(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is spoiled on purpose, after all is checked. A share holds for every field that a kind fits and that is
    no key; a mapping of fields to shares for those alone."""

    quality: Annotated[
        Literal["low", "medium", "high"] | None,
        Meta(description="Shares for all kinds at once: `low` spoils much, `high` little; the other keys overrule."),
    ] = None
    nulls: Annotated[Shares | None, Meta(description="Values that become null.")] = None
    duplicates: Annotated[
        Annotated[float, Meta(ge=0, lt=1)] | None,
        Meta(description="Rows that are copies of others; `count` rows in all."),
    ] = None
    outliers: Annotated[Shares | None, Meta(description="Numbers and dates far from all others.")] = None
    typos: Annotated[Shares | None, Meta(description="Texts with a slip of the keyboard.")] = None
    drift: Annotated[
        Shares | None, Meta(description="Texts and dates in another form: upper case, spaces, 03/17/2024.")
    ] = None
    late: Annotated[
        Shares | None, Meta(description="Rows that stand later than their time says; a mapping names the time's field.")
    ] = None


class Dataset(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The records wanted."""

    name: Annotated[str, Meta(min_length=1, max_length=100)] = "records"
    count: Annotated[
        int, Meta(ge=1, le=10**12, description="Exactly how many records; 1000, or as many as its parents have.")
    ] = 0
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
    mode: Annotated[
        Literal["records", "hybrid", "local"] | None,
        Meta(
            description="Who makes values: `records` asks the model for whole records, `hybrid` for what needs "
            "language, `local` for nothing. By what the spec has unless said."
        ),
    ] = None
    personas: Annotated[
        list[Annotated[str, Meta(min_length=1, max_length=300)]],
        Meta(
            description="Who writes long texts that a model is asked for, in turn; a mix of ages, places and trades "
            "unless said."
        ),
    ] = []
    locale: Annotated[str, Meta(description="Country and language of drawn people, places and companies.")] = "en_US"
    correlations: Annotated[list[Correlation], Meta(description="Fields that rise and fall together.")] = []
    rows: Annotated[
        list[dict[str, Any]] | None, Meta(description="The rows of a lookup table, as they are; one mapping each.")
    ] = None
    imperfections: Annotated[
        Imperfections | None, Meta(description="What is spoiled on purpose: nulls, duplicates, outliers, typos, ...")
    ] = None


class Output(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where the records go, unless the command line says otherwise."""

    path: str | None = None
    format: Literal["jsonl", "csv", "csv-safe", "parquet"] | None = None
    compression: Literal["none", "gzip", "zstd"] | None = None


class Spec(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A whole spec file in its short form."""

    version: Literal[1] = 1
    model: Model | None = None
    dataset: Dataset | None = None
    tables: Annotated[list[Dataset], Meta(description="Several tables that refer to each other.")] = []
    plugins: Annotated[list[str], Meta(description="Python files with samplers of your own; see --allow-plugins.")] = []
    seed: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0
    output: Output | None = None

    @property
    def datasets(self) -> list[Dataset]:
        """All tables; one where the spec says `dataset`."""
        return self.tables or ([self.dataset] if self.dataset is not None else [])
