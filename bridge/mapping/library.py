"""Mapping files on disk: the shipped ones and the user's, which take their place name by name."""

from __future__ import annotations

__all__ = ["MappingInfo", "describe", "list_mappings", "load_mappings", "mapping_directories"]

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bridge.mapping.compile import compile_mapping
from bridge.mapping.rules import MappingFile, MappingSet, Rule
from bridge.mapping.settings import MappingSettings
from bridge.mapping.takeover import TakeoverMode
from bridge.model.data import shipped
from bridge.model.document import read_document, suggest
from bridge.model.errors import ConfigurationError, Issue

AUTO = "auto"


def mapping_directories(
    settings: MappingSettings | None = None, environment: Mapping[str, str] = os.environ
) -> tuple[Path, Path]:
    """The user's directory (it need not exist) and the shipped one, in the order in which they count."""
    if settings is not None and settings.directory:
        own = Path(settings.directory).expanduser()
    else:
        base = environment.get("XDG_CONFIG_HOME", "")
        home = Path(base) if base.startswith("/") else Path.home() / ".config"
        own = home / "scope-bridge" / "mappings"
    return own, shipped("mappings")


def load_mappings(
    directories: Sequence[Path] = (),
    names: Sequence[str] = (AUTO,),
    *,
    themes: Collection[str] = (),
    takeover: TakeoverMode = "pickup",
) -> tuple[MappingSet, list[Issue]]:
    """The named mapping files and everything wrong with them; a bad file is left out, the good ones stay.

    Args:
        directories: where to look, the first one first; none means :func:`mapping_directories`.
        names: stems of files; ``auto`` stands for all, ``-stem`` leaves one out.
        themes: slugs that exist, to check targets ``theme/<slug>``; empty leaves that out.
        takeover: what absolute MIDI knobs do unless a mapping says otherwise.

    A bad file of the user's gives way to the shipped one of the same name, so that the controller goes on
    working, and the issue says so.
    """
    library = _Library(tuple(directories) or mapping_directories(), themes, takeover)
    chosen, issues = library.choose(names)
    files: list[MappingFile] = []
    for stem in chosen:
        file, found = library.load(stem)
        issues.extend(found)
        if file is not None:
            files.append(file)
    if AUTO in names:
        # Who takes a shipped file's controls for mappings of their own does not want its mappings as well.
        replaced = {file.profile for file in files if file.profile != file.stem} - set(names)
        files = [file for file in files if file.stem not in replaced]
    return MappingSet(tuple(files)), issues


class _Library:
    def __init__(self, directories: Sequence[Path], themes: Collection[str], takeover: TakeoverMode) -> None:
        self._themes = themes
        self._takeover = takeover
        self._paths: dict[str, list[Path]] = {}
        self._unlisted: list[Issue] = []
        for directory in directories:
            try:
                paths = sorted(directory.glob("*.toml"))
            except OSError as error:
                self._unlisted.append(Issue(str(directory), None, "", f"cannot be listed: {error.strerror or error}."))
                continue
            for path in paths:
                self._paths.setdefault(path.stem, []).append(path)

    def choose(self, names: Sequence[str]) -> tuple[list[str], list[Issue]]:
        """Stems in order, each once, and an issue for every name without a file."""
        chosen: dict[str, None] = {}
        left_out = {name[1:] for name in names if name.startswith("-")}
        issues = list(self._unlisted)
        for name in names:
            stem = name.removeprefix("-")
            if name == AUTO:
                chosen.update(dict.fromkeys(sorted(self._paths)))
            elif stem not in self._paths:
                hint = suggest(stem, self._paths) or "scope-bridge mappings lists them."
                issues.append(Issue("configuration", None, "mapping.files", f'no mapping file "{stem}".', hint))
            elif not name.startswith("-"):
                chosen[stem] = None
        return [stem for stem in chosen if stem not in left_out], issues

    def load(self, stem: str) -> tuple[MappingFile | None, list[Issue]]:
        """The first good file of a name, and what is wrong with those before it."""
        issues: list[Issue] = []
        for path in self._paths.get(stem, ()):
            file, found = self._read(path)
            issues.extend(found)
            if not found:
                return file, issues
            if path is not self._paths[stem][-1]:
                issues.append(Issue(str(path), None, "", "is left out; the next file of that name stands in."))
        return None, issues

    def _read(self, path: Path) -> tuple[MappingFile | None, list[Issue]]:
        try:
            return compile_mapping(
                read_document(path),
                path.stem,
                themes=self._themes,
                takeover=self._takeover,
                profile_of=lambda stem: self._profile(stem, path),
            )
        except ConfigurationError as error:
            return None, list(error.issues)

    def _profile(self, stem: str, asking: Path) -> MappingFile | None:
        """The shipped file of a name: profiles are facts, and a file cannot be its own."""
        path = self._paths.get(stem, [asking])[-1]
        if path == asking:
            return None
        try:
            found, issues = compile_mapping(read_document(path), stem)
        except ConfigurationError:
            return None
        return None if issues else found


@dataclass(frozen=True, slots=True)
class MappingInfo:
    """One line of ``scope-bridge mappings``."""

    name: str
    title: str
    device: str
    controls: int
    mappings: int
    path: str
    description: str


def list_mappings(mappings: MappingSet) -> tuple[MappingInfo, ...]:
    """What there is, one line for each file."""
    return tuple(
        MappingInfo(f.stem, f.name, f.device, len(f.controls), len(f.rules), f.path, f.description)
        for f in mappings.files
    )


def describe(file: MappingFile) -> str:
    """One mapping file in words, for ``scope-bridge mappings show <name>``."""
    head = [file.name, f"  {file.description}" if file.description else "", f"  file: {file.path}"]
    head.append(f"  listens to: {file.device}")
    width = max((len(rule.control.name) for rule in file.rules), default=0)
    layers = [f"  layer {layer.name}: {layer.control.name} ({layer.mode})" for layer in file.layers]
    rules = [f"  {rule.control.name:<{width}}  {_words(rule)}" for rule in file.rules]
    return "\n".join(line for line in (*head, *layers, *rules) if line)


def _words(rule: Rule) -> str:
    output, shape = rule.output, rule.shape
    details = [
        rule.mode,
        f"{output.range[0]:g} to {output.range[1]:g}" if output.range else "",
        "one of " + ", ".join(map(str, output.values)) if output.values else "",
        "inverted" if shape.invert else "",
        f"curve {shape.curve}" if shape.curve != "linear" else "",
        rule.takeover if rule.mode == "absolute" and rule.takeover != "jump" else "",
        f"layer {rule.layer}" if rule.layer else "",
    ]
    return f"{rule.target}  ({rule.control.source}; {'; '.join(detail for detail in details if detail)})"
