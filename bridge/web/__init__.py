"""The page, the JSON API, server-sent events and metrics: reads status, posts intents, decides nothing."""

from bridge.web.server import Preview, WebServer
from bridge.web.settings import WebSettings

__all__ = ["Preview", "WebServer", "WebSettings"]
