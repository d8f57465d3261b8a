"""Uploaded pictures, films and sounds, as files in one folder."""

from __future__ import annotations

__all__ = ["AssetError", "Assets"]

from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final

_TYPES: Final = {
    "image": (".png", ".jpg", ".jpeg", ".webp", ".bmp"),
    "video": (".mp4", ".avi", ".mov", ".mkv", ".webm"),
    "audio": (".wav", ".mp3", ".flac", ".ogg"),
}
_TYPE_OF: Final = {ending: kind for kind, endings in _TYPES.items() for ending in endings}


class AssetError(ValueError):
    """Raised when a file is not taken."""


class Assets:
    """The folder; contents are not looked at, as on the real server. Blocks on files: call it in a thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    def store(self, name: str, content: bytes) -> dict[str, Any]:
        """Keep a file under its own name.

        Raises:
            AssetError: no name, or an ending that is not known.
        """
        path = self._folder / Path(name.replace("\\", "/")).name
        if not name or path == self._folder or path.suffix.lower() not in _TYPE_OF:
            raise AssetError(f"Invalid file extension. Allowed: {', '.join(sorted(_TYPE_OF))}")
        self._folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return self._describe(path)

    def all(self, kind: str | None = None) -> list[dict[str, Any]]:
        """Every file, or those of one type, by name."""
        if not self._folder.is_dir():
            return []
        found = [self._describe(path) for path in sorted(self._folder.iterdir()) if path.suffix.lower() in _TYPE_OF]
        return [asset for asset in found if kind is None or asset["type"] == kind]

    def find(self, name: str) -> Path | None:
        """The file of that name inside the folder, or None."""
        path = (self._folder / name).resolve()
        return path if path.is_file() and path.is_relative_to(self._folder) else None

    def _describe(self, path: Path) -> dict[str, Any]:
        stat = path.stat()
        return {
            "name": path.stem,
            "path": str(path),
            "size_mb": round(stat.st_size / 2**20, 2),
            "folder": None,
            "type": _TYPE_OF[path.suffix.lower()],
            "created_at": datetime.fromtimestamp(stat.st_mtime, timezone.utc).isoformat(),
        }
