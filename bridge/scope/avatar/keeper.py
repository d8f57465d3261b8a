"""The reference picture that Scope shall hold: chosen, fitted, uploaded, and held again when anything forgot it.

Scope takes a reference with one chunk and forgets it with every reset, reload and new session (cloud section 6). The
pacer repeats the path; this here sees to it that there is a path: one per server, server start and picture.
"""

from __future__ import annotations

__all__ = ["PART", "Avatar", "Place", "mend_of"]

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bridge.model.board import ProblemBoard
from bridge.model.errors import PictureError, ScopeError, ScopeRefused
from bridge.scope.api import ScopeApi
from bridge.scope.avatar.portrait import Picture, PictureSource
from bridge.scope.avatar.settings import AvatarSettings

logger = logging.getLogger(__name__)

PART: Final = "avatar"
_LOOK_S: Final = 1.0
_FIRST_TRY_S: Final = 3.0
_RETRY_S: Final = 1.0
_RETRY_MAX_S: Final = 30.0
_MOST_UPLOADS: Final = 64


@dataclass(frozen=True, slots=True)
class Place:
    """Where a picture is needed: on which server since which start, and at what size (width, height)."""

    url: str
    started: float | None
    size: tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Wish:
    """What the server should hold: a picture by name with its file's stamp, or none."""

    name: str
    stamp: tuple[str, int, int] | None = None


class Avatar:
    """Keeps the chosen picture on the server. All of it runs on the media loop; files are read in threads.

    Args:
        source: the pictures' files by name.
        hold: told the paths the server shall hold from now on; empty for none, None to forget what was held.
    """

    def __init__(
        self,
        settings: AvatarSettings,
        source: PictureSource,
        *,
        hold: Callable[[tuple[str, ...] | None], None],
        board: ProblemBoard,
        clock: Callable[[], float],
        chosen: str,
    ) -> None:
        self._settings = settings
        self._source = source
        self._hold = hold
        self._board = board
        self._clock = clock
        self._chosen = chosen
        self._news = asyncio.Event()
        self._good: dict[tuple[str, tuple[int, int]], Picture] = {}
        self._uploads: dict[tuple[str, float | None, str], str] = {}
        self._held: _Wish | None = None
        self._held_at = 0.0
        self.held = ""
        """The name of the picture the server holds, as far as we know; "" for none."""

    @property
    def is_configured(self) -> bool:
        """Whether there is any picture to hold."""
        return bool(self._source.files)

    def choose(self, name: str) -> None:
        """Hold another picture, "" for none."""
        self._chosen = name
        self._news.set()

    async def begin(self, api: ScopeApi, place: Place | None) -> None:
        """Before a session: hold the picture if that is quickly done; otherwise :meth:`keep` does it later.

        What another server or an earlier start of this one held is forgotten. ``place`` is None where no picture can
        be held.
        """
        self._held, self.held = None, ""
        if not self.is_configured:
            return
        self._hold(None)
        if place is None:
            return
        try:
            async with asyncio.timeout(_FIRST_TRY_S):
                await self._attach(api, place, await self._wish())
        except TimeoutError:
            logger.info("The reference picture takes long to upload; the session begins without it.")

    async def keep(self, api: ScopeApi, place: Place | None) -> None:
        """While a session plays: follow the choice, the file, and the wish for repetition. Ends by being cancelled."""
        tried: _Wish | None = self._held
        pause, again_at = _RETRY_S, self._clock() + _RETRY_S
        while self.is_configured and place is not None:
            self._news.clear()
            wish = await self._wish()
            now = self._clock()
            if wish != tried:
                pause, again_at = _RETRY_S, now
            if (wish != self._held and now >= again_at) or self._is_stale(now):
                tried = wish
                if not await self._attach(api, place, wish):
                    again_at = self._clock() + pause
                    pause = min(pause * 2, _RETRY_MAX_S)
            await self._rest()
        await asyncio.Event().wait()

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(_LOOK_S):
                await self._news.wait()
        except TimeoutError:
            return

    async def _wish(self) -> _Wish:
        name = self._chosen
        if not name:
            return _Wish("")
        return _Wish(name, await asyncio.to_thread(self._source.stamp, name))

    def _is_stale(self, now: float) -> bool:
        every = self._settings.refresh_s
        return every is not None and bool(self.held) and now - self._held_at >= every

    async def _attach(self, api: ScopeApi, place: Place, wish: _Wish) -> bool:
        """Have the server hold what is wished; on failure it goes on holding what it holds."""
        if not wish.name:
            self._board.clear(PART, "picture")
            self._board.clear(PART, "upload")
            self._take(wish, ())
            return True
        picture, is_new = await self._picture(wish.name, place.size)
        if picture is None:
            return False
        if not is_new and self.held == wish.name:
            self._held = wish
            return True
        try:
            path = await self._uploaded(api, place, picture)
        except ScopeError as error:
            self._board.pin(
                PART, "upload", f"The reference picture could not be uploaded: {error.message}", mend_of(error)
            )
            return False
        self._board.clear(PART, "upload")
        self._take(wish, (path,))
        return True

    def _take(self, wish: _Wish, paths: tuple[str, ...]) -> None:
        self._held, self._held_at, self.held = wish, self._clock(), wish.name
        self._hold(paths)

    async def _picture(self, name: str, size: tuple[int, int]) -> tuple[Picture | None, bool]:
        """The picture and whether the file is good now; a file that has broken leaves its last good copy."""
        try:
            picture = await asyncio.to_thread(self._source.read, name, size, self._settings.fit)
        except PictureError as error:
            self._board.pin(PART, "picture", error.message, error.hint)
            return self._good.get((name, size)), False
        self._board.clear(PART, "picture")
        self._good[name, size] = picture
        return picture, True

    async def _uploaded(self, api: ScopeApi, place: Place, picture: Picture) -> str:
        key = (place.url, place.started, picture.name)
        if key not in self._uploads:
            path = await api.upload_asset(picture.name, picture.png)
            if len(self._uploads) >= _MOST_UPLOADS:
                self._uploads.pop(next(iter(self._uploads)))
            self._uploads[key] = path
        return self._uploads[key]


def mend_of(error: ScopeError) -> str:
    """What to do about a failed upload."""
    if isinstance(error, ScopeRefused):
        if error.status in (404, 405, 501):
            return "This server is too old for reference pictures: update Scope. It is tried again."
        if error.status == 413:
            return (
                "Load the pipeline at a smaller size, or raise the limit of the proxy before Scope. It is tried again."
            )
    return f"{error.hint} It is tried again.".strip()
