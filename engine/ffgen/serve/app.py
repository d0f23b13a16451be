"""The application: routes, and what happens around each of them."""

import logging
import re
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import hdrs, web

from ffgen.errors import FfgenError
from ffgen.serve.guard import is_preflight
from ffgen.serve.naming import EXPOSED
from ffgen.serve.problem import Refused, answer, internal, refusal_of
from ffgen.serve.routes import ROUTES
from ffgen.serve.service import Service
from ffgen.serve.settings import MOST_BODY

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
GONE = 499
"""What others say, too, of a request whose client went away."""
_UNKNOWN = "-"
"""The route of what has none, in metrics."""
ALLOWED_HEADERS = "Authorization, Content-Type, Idempotency-Key, Last-Event-ID, Prefer, X-Request-Id"

log = logging.getLogger("ffgen.serve")


def application(service: Service) -> web.Application:
    """The application of a service."""
    app = web.Application(middlewares=[_around(service)], client_max_size=MOST_BODY)
    for route in ROUTES:
        handler = getattr(service, route.handler)
        for path in filter(None, (route.path, route.alias)):
            app.router.add_route(route.method, path, handler)
            if route.method == hdrs.METH_GET and not route.handler.startswith("follow"):
                app.router.add_route(hdrs.METH_HEAD, path, handler)

    async def stop(_: web.Application) -> None:
        service.closing.set()

    app.on_shutdown.append(stop)
    app.on_response_prepare.append(_sign(service))
    return app


def _around(service: Service) -> Any:
    @web.middleware
    async def around(request: web.Request, handler: Handler) -> web.StreamResponse:
        """Lets a request in or not, names it, and turns whatever goes wrong into a problem."""
        began = time.monotonic()
        given = request.headers.get("X-Request-Id", "")
        request["id"] = given if _ID.fullmatch(given) else secrets.token_hex(8)
        service.metrics_.in_flight += 1
        status = GONE
        try:
            response = await _answer(service, request, handler)
            status = GONE if request.get("gone") else response.status
            return response
        finally:
            service.metrics_.in_flight -= 1
            _note(service, request, status, time.monotonic() - began)

    return around


async def _answer(service: Service, request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        request["client"] = client = service.guard.admit(request)
        request["owner"] = client if client.startswith("token") else "anyone"
        if is_preflight(request):
            return _preflight(service, request)
        return await handler(request)
    except Refused as refused:
        return answer(refused, request["id"])
    except FfgenError as error:
        log.error("request failed", extra={"request": request["id"], "what": error.what})
        return answer(refusal_of(error), request["id"])
    except web.HTTPException as error:
        return answer(_of_router(error, request), request["id"])
    except ConnectionError:
        return web.Response(status=GONE)
    except Exception:
        log.exception("request failed", extra={"request": request["id"]})
        return answer(internal(), request["id"])


def _of_router(error: web.HTTPException, request: web.Request) -> Refused:
    """What aiohttp itself refuses."""
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(error.allowed_methods))
        what = f"{request.method[:20]} is not a method of this route."
        return Refused("method", what, f"It has {allowed}.", headers={"Allow": allowed})
    if isinstance(error, web.HTTPRequestEntityTooLarge):
        return Refused("too-long", f"The body has more than {MOST_BODY:,} bytes.", "Send less.")
    if error.status == 404:
        return Refused("not-found", "There is no such route.", "GET / lists them.")
    if error.status < 500:
        return Refused("header", error.reason, "GET /openapi.json describes it.")
    return internal()


def _preflight(service: Service, request: web.Request) -> web.Response:
    """What a browser asks before it asks."""
    if service.guard.allowed_origin(request) is None:
        raise Refused("origin", "Pages of this origin may not use the service.", "See --cors.")
    methods = sorted({route.method for route in ROUTES})
    return web.Response(
        status=204,
        headers={
            "Access-Control-Allow-Methods": ", ".join(methods),
            "Access-Control-Allow-Headers": ALLOWED_HEADERS,
            "Access-Control-Max-Age": "600",
        },
    )


def _sign(service: Service) -> Any:
    async def sign(request: web.Request, response: web.StreamResponse) -> None:
        """Headers that every answer has."""
        response.headers["X-Request-Id"] = request.get("id", "")
        response.headers.pop("Server", None)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        if service.settings.cors:
            response.headers["Vary"] = "Origin"
            if origin := service.guard.allowed_origin(request):
                response.headers["Access-Control-Allow-Origin"] = origin
                response.headers["Access-Control-Expose-Headers"] = EXPOSED
        if status_rows := response.headers.get("X-Ffgen-Rows"):
            service.metrics_.rows += int(status_rows)

    return sign


def _note(service: Service, request: web.Request, status: int, seconds: float) -> None:
    resource = request.match_info.route.resource
    route = resource.canonical if resource is not None else _UNKNOWN
    method = request.method if request.method in hdrs.METH_ALL else _UNKNOWN
    service.metrics_.answered(method, route, status, seconds)
    service.metrics_.cut += bool(request.get("cut"))
    log.info(
        "request",
        extra={
            "request": request["id"],
            "method": method,
            "route": route,
            "status": status,
            "ms": round(seconds * 1000, 1),
        },
    )
