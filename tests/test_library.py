"""Mappings and themes of the machine and of the user over the shipped ones, followed while the daemon runs."""

from pathlib import Path

import pytest

from bridge.library import Library
from bridge.mapping import MappingSettings, list_mappings
from bridge.settings import Settings

MAPPING = 'version = 1\n[about]\nname = "%s"\nmatch = "Box"\n[controls]\nknob = {cc = 7}\n'


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    return folders(tmp_path / "etc")


@pytest.fixture
def user(tmp_path: Path) -> Path:
    return folders(tmp_path / "home")


def folders(base: Path) -> Path:
    for name in ("mappings", "themes"):
        (base / name).mkdir(parents=True)
    return base


def library_of(machine: Path, user: Path) -> Library:
    settings = Settings(mapping=MappingSettings(directory=str(user / "mappings")))
    return Library(settings, user, system_directory=machine)


def title(library: Library, stem: str) -> str:
    return next(info.title for info in list_mappings(library.mappings()) if info.name == stem)


def test_the_user_counts_over_the_machine_over_what_is_shipped(machine: Path, user: Path) -> None:
    library = library_of(machine, user)
    shipped = title(library, "akai_midimix")
    for base, name in ((machine, "of the machine"), (user, "of the user")):
        (base / "mappings" / "akai_midimix.toml").write_text(MAPPING % name)
        assert title(library, "akai_midimix") == name != shipped
    theme = next(iter(library.themes().values()))
    text = f'version = 1\nname = "%s"\n[prompt]\nbase = "{theme.prompt.base}"\n'
    for base, name in ((machine, "Of the machine"), (user, "Of the user")):
        (base / "themes" / f"{theme.id}.toml").write_text(text % name)
        assert library.themes()[theme.id].name == name
    assert library.issues == {"show": (), "mapping": ()}


def test_a_changed_file_of_either_is_noticed(machine: Path, user: Path) -> None:
    library = library_of(machine, user)
    seen = {library.fingerprint()}
    for base in (machine, user):
        for kind in ("mappings", "themes"):
            (base / kind / "new.toml").write_text("version = 1\n")
            assert library.fingerprint() not in seen
            seen.add(library.fingerprint())


def test_a_folder_that_cannot_be_listed_is_named_and_the_rest_plays(user: Path) -> None:
    library = library_of(Path("/", 300 * "x"), user)
    assert library.themes()
    assert library.mappings().files
    assert library.fingerprint() == frozenset()
    for part in ("show", "mapping"):
        assert "cannot be listed" in str(library.issues[part][0])


def test_a_file_that_breaks_while_playing_keeps_its_last_good_copy(machine: Path, user: Path) -> None:
    library = library_of(machine, user)
    theme, mapping = user / "themes" / "mine.toml", user / "mappings" / "mine.toml"
    theme.write_text('version = 1\nname = "Mine"\n[prompt]\nbase = "a lamp"\n')
    mapping.write_text('version = 1\n[about]\nname = "My box"\nprofile = "akai_midimix"\n')
    good_themes, good_mappings = library.themes(), library.mappings()
    assert library.issues == {"show": (), "mapping": ()}
    for path in (theme, mapping):
        path.write_text("version = [")
    for _ in range(2):
        assert library.themes() == good_themes
        assert library.mappings() == good_mappings
        assert library.issues["show"]
        assert library.issues["mapping"]
    theme.unlink()
    mapping.unlink()
    assert "mine" not in library.themes()
    assert {"mine", "akai_midimix"} & {info.name for info in list_mappings(library.mappings())} == {"akai_midimix"}
    assert library.issues == {"show": (), "mapping": ()}
