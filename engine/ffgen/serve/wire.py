"""What goes over the wire: the bodies of requests and answers. The OpenAPI document is made of these."""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from ffgen.serve.settings import MOST_DESCRIPTION, MOST_JOB_ROWS, MOST_ROWS

Format = Literal["csv", "jsonl", "parquet", "zip"]
Description = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MOST_DESCRIPTION,
        description="What the data is about, in plain words.",
        examples=["customers of a bike shop with names, emails and how much they spent"],
    ),
]
SpecBody = Annotated[
    dict[str, Any],
    Meta(
        description="A spec, as `GET /schema` describes it, without `output`, `plugins`, and of `model` only the name "
        "that the operator gave it and how it is asked."
    ),
]
Seed = Annotated[int, Meta(ge=0, le=2**63 - 1, description="Another seed, other rows; the same one, the same bytes.")]
Model = Annotated[
    str, Meta(min_length=1, max_length=100, description="A model of the operator's that drafts; none unless said.")
]
Answers = Annotated[
    dict[str, str | int | float | bool],
    Meta(description='Answers to the questions of `POST /draft`, by id: `{"count:orders": 500}`.'),
]
FORMAT = Meta(description="`zip` has a CSV of every table; the others hold the finest-grained table.")
ROWS_TOLD = "Rows of the finest-grained table; as the description or the spec says, else 1000."


class Request(Struct, forbid_unknown_fields=True, kw_only=True):
    """What all requests for data say: a description or a spec."""

    description: Description | UnsetType = UNSET
    spec: SpecBody | UnsetType = UNSET
    seed: Seed | UnsetType = UNSET
    model: Model | UnsetType = UNSET
    answers: Answers | UnsetType = UNSET


class GenerateRequest(Request, kw_only=True):
    """Data, now: a description or a spec, and how much of it."""

    rows: Annotated[int, Meta(ge=1, le=MOST_ROWS, description=ROWS_TOLD)] | UnsetType = UNSET
    format: Annotated[Format, FORMAT] = "csv"


class JobRequest(Request, kw_only=True):
    """Data, later: a description or a spec, and how much of it. All tables are made."""

    rows: Annotated[int, Meta(ge=1, le=MOST_JOB_ROWS, description=ROWS_TOLD)] | UnsetType = UNSET
    format: Annotated[Format, Meta(description="`zip` is CSV, and the download is a ZIP file.")] = "csv"


class DraftRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """A description to make a spec of."""

    description: Description
    rows: Annotated[int, Meta(ge=1, le=MOST_JOB_ROWS, description=ROWS_TOLD)] | UnsetType = UNSET
    seed: Seed | UnsetType = UNSET
    model: Model | UnsetType = UNSET
    answers: Answers | UnsetType = UNSET


class ValidateRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """A spec to look at."""

    spec: SpecBody


class Slip(Struct, kw_only=True, omit_defaults=True):
    """One thing that is wrong: a JSON pointer into the body, what, and what to do."""

    pointer: str
    detail: str
    hint: str = ""
    severity: Literal["error", "warning"] = "error"


class Problem(Struct, kw_only=True, omit_defaults=True):
    """An error (RFC 9457): what, where (`errors`), and what next (`hint`)."""

    type: str
    title: str
    status: int
    detail: str
    hint: str = ""
    instance: str = ""
    errors: list[Slip] = []


class Asked(Struct, kw_only=True):
    """What a description leaves open, and what was taken for it."""

    id: str
    about: str
    text: str
    default: str
    choices: list[str]
    changes: str


class Drafted(Struct, kw_only=True):
    """A spec made of a description; `text` is the same as YAML with comments. `author` is the model that drafted, empty
    for ffgen itself; `kept` says that the model was not asked again."""

    name: str
    spec: dict[str, Any]
    text: str
    tables: list[str]
    finest: str
    why: dict[str, str]
    understood: list[str]
    ignored: list[str]
    questions: list[Asked]
    answers: dict[str, str]
    author: str
    kept: bool
    notes: list[str]


class TablePlan(Struct, kw_only=True):
    """One table that would be made."""

    name: str
    rows: int


class Validated(Struct, kw_only=True):
    """What is wrong with a spec, and what it would make when nothing is."""

    valid: bool
    findings: list[Slip]
    tables: list[TablePlan]
    finest: str
    asks_model: bool


State = Literal["queued", "running", "cancelling", "done", "failed", "cancelled"]


class JobProgress(Struct, kw_only=True):
    """Where a job stands."""

    phase: str
    records: int
    wanted: int
    seconds: float


class JobFile(Struct, kw_only=True):
    """A table that a finished job has made."""

    table: str
    name: str
    bytes: int
    href: str


class JobView(Struct, kw_only=True):
    """A job. `error` says why it failed."""

    id: str
    state: State
    name: str
    tables: list[TablePlan]
    format: Format
    seed: int
    created: str
    started: str | None = None
    ended: str | None = None
    progress: JobProgress | None = None
    files: list[JobFile] = []
    error: Problem | None = None
    href: str = ""


class JobList(Struct, kw_only=True):
    """Jobs, the newest first; `next` is the address of the page after this one."""

    jobs: list[JobView]
    next: str | None = None


class Health(Struct, kw_only=True):
    """Whether the service lives, or can take requests; `problems` says why it can't."""

    status: Literal["ok", "unavailable"]
    version: str
    problems: list[str] = []


class About(Struct, kw_only=True):
    """What this service is, and where its parts are."""

    name: str
    version: str
    links: dict[str, str]
    models: list[str]
