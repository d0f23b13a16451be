"""The routes that answer at once: data, drafts, and what is wrong with a spec."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response

from ffgen.serve.asked import DraftRequest, GenerateRequest, JobRequest, ValidateRequest
from ffgen.serve.body import JsonRoute, Key, prefers_job
from ffgen.serve.generate import Held, errand_of, generated
from ffgen.serve.openapi import DATA, DATA_HEADERS, WITH_BODY, answer, example, problems
from ffgen.serve.prepare import Errand
from ffgen.serve.service import Parts, Who, taken
from ffgen.serve.wire import Drafted, JobView, Validated

router = APIRouter(route_class=JsonRoute)
BIKES = {"description": "customers of a bike shop with names, emails and how much they spent"}
FIELDS: list[dict[str, Any]] = [
    {"name": "sku", "type": "string", "pattern": "^P-[0-9]{5}$", "unique": True},
    {"name": "price", "type": "number", "range": [1, 90], "decimals": 2},
]
SPEC = {"dataset": {"name": "parts", "fields": FIELDS}}
TAKEN = answer("The job that was taken.", headers=("Location",), model=JobView)


@router.post(
    "/generate",
    summary="Data, now: a description or a spec to rows.",
    response_model=None,
    response_class=Response,
    responses={
        **problems(*WITH_BODY, 500, 507),
        200: answer("The rows.", DATA, DATA_HEADERS),
        202: TAKEN,
    },
    openapi_extra=example({**BIKES, "rows": 1000}),
)
async def generate(
    asked: GenerateRequest,
    parts: Parts,
    who: Who,
    held: Held,
    as_job: Annotated[bool, Depends(prefers_job)],
    key: Key = None,
) -> Response:
    # An answer at once needs no key, but a bad one is a mistake here, too.
    if as_job:
        made = taken(*await parts.submit(who, JobRequest(**asked.said), key))
        made.headers["Preference-Applied"] = "respond-async"
        return made
    parts.check_room(0)
    return await generated(asked, who.client, parts.quick, parts.long, held)


@router.post(
    "/draft",
    summary="A description to a spec.",
    response_description="The spec, and how the description was read.",
    responses=problems(*WITH_BODY),
    openapi_extra=example(BIKES),
)
async def draft(asked: DraftRequest, parts: Parts, who: Who) -> Drafted:
    return await parts.work(who, errand_of(asked, "draft"), Drafted)


@router.post(
    "/validate",
    summary="All that is wrong with a spec.",
    response_description="What was found; `valid` says whether it can be run.",
    responses=problems(*WITH_BODY),
    openapi_extra=example({"spec": SPEC}),
)
async def validate(asked: ValidateRequest, parts: Parts, who: Who) -> Validated:
    return await parts.work(who, Errand(do="check", spec=asked.spec), Validated)
