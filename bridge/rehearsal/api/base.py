"""What all routes share: refusals that look like FastAPI's, bodies, query numbers, the middleware."""

from __future__ import annotations

__all__ = ["HALL", "LOGBOOK", "MAX_BODY", "Refusal", "like_fastapi", "query_number", "read_body"]

import json
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from bridge.rehearsal.hall import Hall
from bridge.rehearsal.logbook import Logbook

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
M = TypeVar("M", bound=BaseModel)

MAX_BODY: Final = 64 * 2**20
HALL: Final = web.AppKey("hall", Hall)
LOGBOOK: Final = web.AppKey("logbook", Logbook)


class Refusal(Exception):
    """Raised to answer with an error status and FastAPI's ``detail``."""

    def __init__(self, status: int, detail: Any) -> None:
        super().__init__(f"{status}: {detail}")
        self.status = status
        self.detail = detail


@web.middleware
async def like_fastapi(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Errors as ``{"detail": ...}``, CORS open, and silence while the server plays dead."""
    hall = request.app[HALL]
    if hall.faults.is_down and not request.path.startswith("/rehearsal/"):
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=503)
    try:
        response = await handler(request)
    except Refusal as refusal:
        response = web.json_response({"detail": refusal.detail}, status=refusal.status)
    except web.HTTPException as error:
        response = web.json_response({"detail": error.reason}, status=error.status)
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


async def read_body(request: web.Request, model: type[M]) -> M:
    """The JSON body as a model; 422 with FastAPI's list of what is wrong."""
    try:
        document = await request.json()
    except json.JSONDecodeError as error:
        entry = {"type": "json_invalid", "loc": ["body", error.pos], "msg": "JSON decode error", "input": {}}
        raise Refusal(422, [entry | {"ctx": {"error": error.msg}}]) from error
    except UnicodeDecodeError as error:
        raise Refusal(400, "There was an error parsing the body") from error
    try:
        return model.model_validate(document)
    except ValidationError as error:
        wrong = json.loads(error.json(include_url=False))
        raise Refusal(422, [item | {"loc": ["body", *item["loc"]]} for item in wrong]) from error


def query_number(request: web.Request, name: str, default: int, low: int, high: int) -> int:
    """A whole number from the query; 422 when it is none or out of range."""
    text = request.query.get(name)
    if text is None:
        return default
    try:
        value = int(text)
    except ValueError:
        entry = {"type": "int_parsing", "loc": ["query", name], "msg": "Input should be a valid integer", "input": text}
        raise Refusal(422, [entry]) from None
    if not low <= value <= high:
        entry = {
            "type": "out_of_range",
            "loc": ["query", name],
            "msg": f"Input should be {low} to {high}",
            "input": text,
        }
        raise Refusal(422, [entry])
    return value
