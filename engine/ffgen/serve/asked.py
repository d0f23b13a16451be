"""What requests may say: pydantic models, of which FastAPI also makes the OpenAPI document. Each key that is wrong is
told in words, with what it must be."""

from collections.abc import Mapping
from typing import Annotated, Any, get_args

import msgspec
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)

from ffgen.serve.problem import Refused
from ffgen.serve.settings import MOST_DESCRIPTION, MOST_JOB_ROWS, MOST_ROWS
from ffgen.serve.wire import Format, Slip

UNSAID: Any = None
"""A key that is left out. `null` itself is no value of any key."""
EXAMPLE = 'Name things and their fields: "5000 customers with names, e-mails and a city".'
ELSEWHERE = "GET /openapi.json describes it."
EITHER = [
    {"required": ["description"], "not": {"required": ["spec"]}},
    {"required": ["spec"], "not": {"anyOf": [{"required": [name]} for name in ("description", "model", "answers")]}},
]
"""A request for data has one of the two."""


def told(wanted: str) -> WrapValidator:
    """Says what a key must be, where it is something else."""

    def check(value: Any, take: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
        try:
            return take(value)
        except ValidationError:
            raise wrong(str(info.field_name), f"{info.field_name} must be {wanted}, got {shown(value)}.") from None

    return WrapValidator(check)


def wrong(name: str, what: str, hint: str = ELSEWHERE, kind: str = "body") -> Refused:
    """One key of a body that can't be taken."""
    return Refused(kind, what, hint, [Slip(pointer=f"#/{name}" if name else "#", detail=what)])


def shown(value: Any) -> str:
    """What a body says, as it says it, in short."""
    return msgspec.json.encode(value).decode()[:40]


def _whole(value: Any) -> Any:
    """A number that is whole but written as 5.0 or 5e3, which to JSON is the same."""
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**63 else value


def _rows(most: int) -> BeforeValidator:
    """Rows, or what is wrong with them, and where more can be had."""

    def check(said: Any) -> Any:
        rows = _whole(said)
        if type(rows) is int and 1 <= rows <= most:
            return rows
        if most == MOST_ROWS and type(rows) in (int, float) and rows > most:
            what = f"An answer at once has at most {most:,} rows, and {shown(said)} are asked for."
            raise wrong("rows", what, "POST /jobs takes the same body and makes more.", "rows-out-of-range")
        what = f"rows must be a whole number from 1 to {most:,}, got {shown(said)}."
        raise wrong("rows", what, "1000 unless said.", "rows-out-of-range")

    return BeforeValidator(check)


def _description(said: Any) -> Any:
    """A text of some length: it may be empty, or too long."""
    if isinstance(said, str) and not said:
        raise wrong("description", "The description is empty.", EXAMPLE, "description")
    if isinstance(said, str) and len(said) > MOST_DESCRIPTION:
        what = f"The description has {len(said):,} characters; {MOST_DESCRIPTION:,} are read at most."
        raise wrong("description", what, "Say it in fewer words, or send a spec.", "description")
    return said


Description = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MOST_DESCRIPTION,
        description="What the data is about, in plain words.",
        examples=["customers of a bike shop with names, emails and how much they spent"],
    ),
    told("text"),
    BeforeValidator(_description),
]
SpecBody = Annotated[
    dict[str, Any],
    Field(
        description="A spec, as `GET /schema` describes it, without `output`, `plugins`, and of `model` only the name "
        "that the operator gave it and how it is asked."
    ),
    told("a spec: an object with `dataset` or `tables`"),
]
Seed = Annotated[
    int,
    Field(ge=0, le=2**63 - 1, description="Another seed, other rows; the same one, the same bytes."),
    BeforeValidator(_whole),
    told("a whole number from 0 to 9,223,372,036,854,775,807"),
]
Model = Annotated[
    str,
    Field(min_length=1, max_length=100, description="A model of the operator's that drafts; none unless said."),
    told("the name of one of the operator's models, which GET / lists"),
]
Answers = Annotated[
    dict[str, str | int | float | bool],
    Field(description='Answers to the questions of `POST /draft`, by id: `{"count:orders": 500}`.'),
    told("an object: the ids of questions, and what is answered"),
]
FORMATS = told(f"one of {', '.join(get_args(Format))}")
ROWS = Field(ge=1, description="Rows of the finest-grained table; as the description or the spec says, else 1000.")
Rows = Annotated[int, ROWS, Field(le=MOST_ROWS), _rows(MOST_ROWS)]
JobRows = Annotated[int, ROWS, Field(le=MOST_JOB_ROWS), _rows(MOST_JOB_ROWS)]


def _tidy(schema: dict[str, Any]) -> None:
    """A key that is not said is not there, and never null; its name is title enough."""
    for key in schema["properties"].values():
        key.pop("title", None)
        if key.get("default", 0) is None:
            del key["default"]


def _either(schema: dict[str, Any]) -> None:
    _tidy(schema)
    schema["oneOf"] = EITHER


class Body(BaseModel):
    """What all bodies have in common: no other keys, and no guesses at what a value may mean."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra=_tidy)

    @model_validator(mode="before")
    @classmethod
    def _knows(cls, said: Any) -> Any:
        if isinstance(said, Mapping) and (unknown := [name for name in said if name not in cls.model_fields]):
            name, known = unknown[0][:80], ", ".join(f"`{one}`" for one in cls.model_fields)
            raise wrong(name, f"There is no `{name}` here.", f"The body may have {known}.")
        return said

    @property
    def said(self) -> dict[str, Any]:
        """What a request says, without what it leaves unsaid."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class DraftRequest(Body):
    """A description to make a spec of."""

    description: Description
    rows: JobRows = UNSAID
    seed: Seed = UNSAID
    model: Model = UNSAID
    answers: Answers = UNSAID


class ValidateRequest(Body):
    """A spec to look at."""

    spec: SpecBody


class Request(Body):
    """What all requests for data say: a description or a spec."""

    model_config = ConfigDict(json_schema_extra=_either)

    description: Description = UNSAID
    spec: SpecBody = UNSAID
    seed: Seed = UNSAID
    model: Model = UNSAID
    answers: Answers = UNSAID

    @model_validator(mode="after")
    def _is_one(self) -> "Request":
        if (self.description is UNSAID) == (self.spec is UNSAID):
            given = "neither" if self.spec is UNSAID else "both"
            raise wrong("", f"The body has {given} of `description` and `spec`.", "Give one of them.")
        if self.spec is not UNSAID and self.model is not UNSAID:
            raise wrong("model", "`model` says who drafts a description, and there is a spec.", "Leave it out.")
        if self.spec is not UNSAID and self.answers is not UNSAID:
            raise wrong(
                "answers", "`answers` are to questions about a description, and there is a spec.", "Leave it out."
            )
        return self


class GenerateRequest(Request):
    """Data, now: a description or a spec, and how much of it."""

    rows: Rows = UNSAID
    format: Annotated[
        Format, Field(description="`zip` has a CSV of every table; the others hold the finest-grained one."), FORMATS
    ] = "csv"


class JobRequest(Request):
    """Data, later: a description or a spec, and how much of it. All tables are made."""

    rows: JobRows = UNSAID
    format: Annotated[Format, Field(description="`zip` is CSV, and the download is a ZIP file."), FORMATS] = "csv"
