"""Layers, issues with places, secrets, and the fall-backs of a broken configuration."""

import json
from pathlib import Path

import pytest
from pydantic import Field, SecretStr

from bridge.config import LastGood, commented_toml, load, load_for_run, settings_toml
from bridge.model.document import PartSettings, parse_document, validate
from bridge.model.errors import ConfigurationError


class Listen(PartSettings):
    """Where to listen."""

    address: str = Field("127.0.0.1", description="Address to bind.")
    port: int = Field(9700, ge=0, le=65535, description="UDP port.")


class Osc(PartSettings):
    """Open Sound Control."""

    listen: tuple[Listen, ...] = Field((Listen(),), description="Listeners.")
    timetags: str = Field("ignore", description="What to do with timetags.")


class Scope(PartSettings):
    """The server."""

    urls: tuple[str, ...] = Field((), description="Servers in order of preference.")
    token: SecretStr | None = Field(None, description="A secret.")
    width: int = Field(576, multiple_of=16, description="Pixels.")


class Root(PartSettings):
    osc: Osc = Field(Osc())
    scope: Scope = Field(Scope())


def write(path: Path, text: str, mode: int = 0o644) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def test_later_layers_win_and_tables_merge(tmp_path):
    low = write(tmp_path / "low.toml", '[scope]\nwidth = 320\nurls = ["http://a"]\n')
    high = write(tmp_path / "high.toml", '[scope]\nurls = ["http://b"]\n')
    loaded = load(
        Root, files=[low, high], environ={"SCOPE_BRIDGE_OSC__TIMETAGS": "honor"}, overrides=["scope.width=640"]
    )
    assert loaded.settings.scope.urls == ("http://b",)
    assert loaded.settings.scope.width == 640
    assert loaded.settings.osc.timetags == "honor"
    assert loaded.sources == ("defaults", str(low), str(high), "the environment", "-o")


def test_every_issue_comes_at_once_with_its_place(tmp_path):
    low = write(tmp_path / "low.toml", "[scope]\n\nwidht = 320\n")
    high = write(
        tmp_path / "high.toml", '[[osc.listen]]\nport = 1\n[[osc.listen]]\nport = 70000\n[scope]\nwidth = "x"\n'
    )
    with pytest.raises(ConfigurationError) as error:
        load(Root, files=[low, high], environ={"SCOPE_BRIDGE_OSC__TIMETAG": "x"})
    lines = [str(issue) for issue in error.value.issues]
    assert any(line.startswith(f'{low}:3: scope.widht: unknown key. Did you mean "width"?') for line in lines)
    assert any(line.startswith(f"{high}:4: osc.listen.1.port:") for line in lines)
    assert any(line.startswith(f"{high}:6: scope.width:") for line in lines)
    assert any(line.startswith("the environment: osc.timetag: unknown key.") for line in lines)
    assert len(lines) == 4


@pytest.mark.parametrize("text", ["[scope", "a = 1\na = 2\n", "\x00", '"' * 7])
def test_a_file_that_is_not_toml_is_one_issue_with_its_line(tmp_path, text):
    path = write(tmp_path / "bad.toml", text)
    with pytest.raises(ConfigurationError) as error:
        load(Root, files=[path], environ={})
    assert len(error.value.issues) == 1
    assert error.value.issues[0].source == str(path)


def test_a_secret_in_the_machines_own_file_belongs_into_the_environment_file(tmp_path, monkeypatch):
    """Mode 600 would shut the service out, which has a user of its own."""
    monkeypatch.setattr("bridge.config.layers.SYSTEM_CONFIG_DIRECTORY", tmp_path)
    path = write(tmp_path / "config.toml", '[scope]\ntoken = "hush"\n', 0o644)
    with pytest.raises(ConfigurationError, match="/environment, mode 600") as error:
        load(Root, files=[path], environ={})
    assert "chmod" not in str(error.value)


def test_a_missing_explicit_file_is_an_issue(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load(Root, files=[tmp_path / "none.toml"], environ={})


def test_a_secret_in_a_file_others_can_read_is_refused_and_in_a_private_one_is_not(tmp_path):
    path = write(tmp_path / "c.toml", '[scope]\ntoken = "hush"\n', 0o644)
    with pytest.raises(ConfigurationError, match="chmod 600") as error:
        load(Root, files=[path], environ={})
    assert "hush" not in str(error.value)
    assert error.value.issues[0].line == 2
    path.chmod(0o600)
    loaded = load(Root, files=[path], environ={})
    assert loaded.settings.scope.token is not None
    assert loaded.settings.scope.token.get_secret_value() == "hush"
    assert "hush" not in settings_toml(loaded.settings)


def test_a_secret_comes_from_the_environment_but_never_from_the_command_line():
    loaded = load(Root, environ={"SCOPE_BRIDGE_SCOPE__TOKEN": "hush"})
    assert loaded.settings.scope.token is not None
    with pytest.raises(ConfigurationError, match="use the environment"):
        load(Root, environ={}, overrides=["scope.token=hush"])


def test_an_override_without_a_value_is_named():
    with pytest.raises(ConfigurationError, match=r"section\.key=value"):
        load(Root, environ={}, overrides=["scope.width"])


def test_run_takes_the_last_good_copy_and_says_why(tmp_path):
    path = write(tmp_path / "c.toml", "[scope]\nwidth = 640\n")
    last_good = LastGood(tmp_path / "state")
    assert load_for_run(Root, files=[path], environ={}, last_good=last_good).fallback == ""
    assert (tmp_path / "state" / "last-good.json").stat().st_mode & 0o077 == 0
    path.write_text("[scope]\nwidth = 641\n")
    loaded = load_for_run(Root, files=[path], environ={}, last_good=last_good)
    assert loaded.fallback == "last good copy"
    assert loaded.settings.scope.width == 640
    assert [issue.line for issue in loaded.issues] == [2]
    assert path.read_text() == "[scope]\nwidth = 641\n"


def test_run_without_a_last_good_copy_keeps_the_valid_sections(tmp_path):
    path = write(tmp_path / "c.toml", '[scope]\nwidth = 641\n[osc]\ntimetags = "honor"\n')
    loaded = load_for_run(Root, files=[path], environ={}, last_good=LastGood(tmp_path / "state"))
    assert loaded.fallback == "valid sections"
    assert loaded.settings.scope.width == 576
    assert loaded.settings.osc.timetags == "honor"


@pytest.mark.parametrize("junk", ["", "[]", "{", json.dumps({"scope": {"width": 3}})])
def test_a_broken_last_good_copy_still_starts(tmp_path, junk):
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "last-good.json").write_text(junk)
    path = write(tmp_path / "c.toml", "[nonsense")
    loaded = load_for_run(Root, files=[path], environ={}, overrides=["bad"], last_good=LastGood(tmp_path / "state"))
    assert loaded.settings == Root()
    assert loaded.issues


def test_the_commented_file_is_valid_and_changes_nothing():
    text = commented_toml(Root)
    assert validate(Root, parse_document(text, "init")) == Root()


def test_the_commented_file_shows_defaults_that_work_when_uncommented():
    text = "\n".join(
        line.removeprefix("# ") if line.startswith(("# port", "# width", "# [[")) else line
        for line in commented_toml(Root).splitlines()
    )
    assert validate(Root, parse_document(text, "init")) == Root()


def test_shown_settings_read_back_equal():
    settings = Root(scope=Scope(urls=("http://a",), width=320))
    assert validate(Root, parse_document(settings_toml(settings), "show")) == settings
