"""The application: FastAPI with its routes. Whatever goes wrong is a problem."""

import logging
from typing import Any

from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.security import HTTPBearer
from starlette.exceptions import HTTPException

from ffgen import __version__
from ffgen.errors import FfgenError
from ffgen.serve import body, data_routes, job_routes, own_routes
from ffgen.serve.around import Around, answer
from ffgen.serve.openapi import tidy
from ffgen.serve.problem import Refused, refusal_of
from ffgen.serve.service import Service

log = logging.getLogger("ffgen.serve")


class App(FastAPI):
    """FastAPI, with a document that tells of no answers but ours."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document."""
        return tidy(super().openapi())


def application(service: Service) -> App:
    """The application of a service."""
    app = routed(bool(service.settings.tokens))
    app.state.service = service
    app.add_middleware(Around, service=service)
    return app


def routed(secured: bool) -> App:
    """All routes; `secured` where requests need a token. Without /docs and /redoc, whose pages load from elsewhere."""
    app = App(
        title="ffgen",
        version=__version__,
        summary="Synthetic data from a description or a spec.",
        license_info={"name": "MIT", "identifier": "MIT"},
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
        generate_unique_id_function=lambda route: route.name,
        dependencies=[Depends(body.said_once)],
        exception_handlers=dict.fromkeys((Refused, FfgenError, RequestValidationError, HTTPException), _problem),
    )
    token = [Depends(HTTPBearer(auto_error=False, scheme_name="token"))] if secured else []
    for router in (data_routes.router, job_routes.router, own_routes.router):
        app.include_router(router, dependencies=token)
    app.include_router(own_routes.open_router)
    return app


async def _problem(request: Request, error: Exception) -> Response:
    """What a route has refused, or FastAPI in its stead."""
    match error:
        case Refused():
            refused = error
        case FfgenError():
            log.error("request failed", extra={"request": request.state.id, "what": error.what})
            refused = refusal_of(error)
        case RequestValidationError():
            refused = body.refusal_of(error)
        case HTTPException(status_code=404):
            refused = Refused("not-found", "There is no such route.", "GET / lists them.")
        case HTTPException(status_code=405):
            # Starlette tells the methods of a path's first route alone.
            methods = [method.upper() for method in request.app.openapi()["paths"][request.scope["route"].path]]
            allowed = ", ".join(sorted({*methods, "HEAD"} if "GET" in methods else methods))
            what = f"{request.method[:20]} is not a method of this route."
            refused = Refused("method", what, f"It has {allowed}.", headers={"Allow": allowed})
        case _:
            refused = Refused("header", f"{error}.", "GET /openapi.json describes it.")
    return answer(refused, request.state.id)
