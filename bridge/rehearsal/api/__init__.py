"""Scope's HTTP API on top of the hall: the routes translate, the hall acts."""

from __future__ import annotations

__all__ = ["build_app"]

from aiohttp import web

from bridge.rehearsal.api import extras, faults, pipelines, sessions
from bridge.rehearsal.api.base import HALL, LOGBOOK, MAX_BODY, like_fastapi
from bridge.rehearsal.hall import Hall
from bridge.rehearsal.logbook import Logbook


def build_app(hall: Hall, logbook: Logbook) -> web.Application:
    """The application with every route of the version that is spoken."""
    app = web.Application(middlewares=[like_fastapi], client_max_size=MAX_BODY)
    app[HALL] = hall
    app[LOGBOOK] = logbook
    app.add_routes(pipelines.routes())
    app.add_routes(sessions.routes(is_old=hall.is_old))
    app.add_routes(extras.routes(is_old=hall.is_old))
    app.add_routes(faults.routes())
    return app
