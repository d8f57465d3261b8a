"""The verbs as a user calls them: exit codes, messages, files."""

import json
import tomllib

import pytest

from bridge.cli import main
from bridge.cli.exits import BAD_CONFIGURATION, FINE, NO_DAEMON
from bridge.cli.main import VERBS
from bridge.cli.status_verb import lines_of
from bridge.inputs.audio import InputDevice
from bridge.scope.catalogue import SchemaStore


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A user with nothing configured."""
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    return tmp_path


def config(home, text):
    path = home / "c.toml"
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_has_help_with_examples(verb, capsys):
    with pytest.raises(SystemExit) as exit_:
        main([verb, "--help"])
    assert exit_.value.code == 0
    shown = capsys.readouterr().out
    assert f"scope-bridge {verb}" in shown
    assert "examples:" in shown


def test_a_wrong_verb_is_a_usage_error(capsys):
    with pytest.raises(SystemExit) as exit_:
        main(["stats"])
    assert exit_.value.code == 2
    assert "status" in capsys.readouterr().err


def test_check_says_that_all_is_good_and_what_it_read(home, capsys):
    assert main(["check", "--config", config(home, "[program]\nfps = 25\n")]) == FINE
    assert "All good" in capsys.readouterr().out


def test_check_shows_every_error_with_its_place(home, capsys):
    (home / "xdg_config_home" / "scope-bridge" / "themes").mkdir(parents=True)
    theme = home / "xdg_config_home" / "scope-bridge" / "themes" / "mine.toml"
    theme.write_text('version = 1\nnme = "x"\n')
    path = config(home, '[program]\nfsp = 25\n[show]\ntheme = "neon-fondry"\n')
    assert main(["check", "--config", path]) == BAD_CONFIGURATION
    shown = capsys.readouterr().out
    assert f'{path}:2: program.fsp: unknown key. Did you mean "fps"?' in shown
    assert f"{theme}:2: nme" in shown


def test_check_names_a_theme_that_does_not_exist(home, capsys):
    assert main(["check", "-o", "show.theme=neon-fondry", "--json"]) == BAD_CONFIGURATION
    (issue,) = json.loads(capsys.readouterr().out)
    assert issue["where"] == "show.theme"
    assert "neon-foundry" in issue["hint"]


def test_options_may_stand_before_or_after_the_verb(home, capsys):
    for arguments in (["-o", "program.fps=24", "config", "show"], ["config", "show", "-o", "program.fps=24"]):
        assert main(arguments) == FINE
        assert tomllib.loads(capsys.readouterr().out)["program"]["fps"] == 24


def test_config_show_masks_secrets(monkeypatch, capsys):
    monkeypatch.setenv("SCOPE_BRIDGE_WEB__TOKEN", "correct horse battery")
    assert main(["config", "show"]) == FINE
    shown = capsys.readouterr().out
    assert "correct horse" not in shown
    assert "**********" in shown


def test_config_init_writes_once_a_file_that_checks(home, capsys):
    path = home / "xdg_config_home" / "scope-bridge" / "config.toml"
    assert main(["config", "init"]) == FINE
    assert path.stat().st_mode & 0o777 == 0o600
    assert main(["check"]) == FINE
    assert main(["config", "init"]) == 1
    assert "left alone" in capsys.readouterr().err
    text = path.read_text()
    for section in ("[scope]", "[osc]", "[midi]", "[audio]", "[tempo]", "[show]", "[program]", "[web]"):
        assert section in text


def test_every_default_in_the_commented_file_is_valid_when_uncommented(home):
    main(["config", "init"])
    path = home / "xdg_config_home" / "scope-bridge" / "config.toml"
    lines = path.read_text().splitlines()
    keys = [line.removeprefix("# ") for line in lines]
    uncommented = "\n".join(
        key if line.startswith("# ") and _is_setting(key) else line for line, key in zip(lines, keys, strict=True)
    )
    path.write_text(uncommented)
    assert main(["check"]) == FINE


def _is_setting(text):
    if text.startswith("[["):
        return text != "[[scope.ice_servers]]"  # its urls have no default
    name, equals, value = text.partition(" = ")
    if not equals or not name.replace("_", "").isalnum():
        return False
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return value not in ('""', "[]")


def test_the_schema_describes_every_section(capsys):
    assert main(["config", "schema"]) == FINE
    schema = json.loads(capsys.readouterr().out)
    assert {"scope", "osc", "midi", "audio", "show", "outputs"} <= set(schema["properties"])


@pytest.mark.parametrize("verb", ["status", "panic"])
def test_without_a_daemon_the_exit_code_is_three(verb, capsys):
    assert main([verb, "--url", "http://127.0.0.1:9"]) == NO_DAEMON
    assert "scope-bridge run" in capsys.readouterr().err


def test_a_password_in_the_address_is_not_printed(capsys):
    assert main(["status", "--url", "http://dj:secret@127.0.0.1:9"]) == NO_DAEMON
    assert "secret" not in capsys.readouterr().err


@pytest.mark.parametrize("url", ["ftp://x", "nonsense"])
def test_what_is_no_address_is_said(url, capsys):
    assert main(["status", "--url", url]) == 1
    assert "not an address" in capsys.readouterr().err


def test_themes_and_mappings_are_listed_and_shown(capsys):
    assert main(["themes"]) == FINE
    assert "crystal-sanctuary" in capsys.readouterr().out
    assert main(["themes", "neon-foundry"]) == FINE
    assert "prompt:" in capsys.readouterr().out
    assert main(["themes", "neon-fondry"]) == 1
    assert 'Did you mean "neon-foundry"' in capsys.readouterr().err
    assert main(["mappings"]) == FINE
    assert "korg_nanokontrol2" in capsys.readouterr().out
    assert main(["mappings", "akai_midimix"]) == FINE
    assert "theme/" in capsys.readouterr().out


def test_devices_say_what_is_not_available_and_why(capsys):
    assert main(["devices", "--json"]) == FINE
    found = json.loads(capsys.readouterr().out)
    assert set(found) == {"MIDI inputs", "MIDI outputs", "sound inputs", "cameras", "NDI sources", "outputs"}


def test_doctor_gives_a_verdict_for_every_part(capsys):
    main(["doctor", "--json", "--url", "http://127.0.0.1:9", "-o", 'scope.urls=["http://127.0.0.1:9"]'])
    verdicts = json.loads(capsys.readouterr().out)
    assert {"python", "config", "themes", "mappings", "midi", "audio", "ndi", "osc", "scope", "daemon"} <= {
        verdict["part"] for verdict in verdicts
    }
    scope = next(verdict for verdict in verdicts if verdict["part"] == "scope")
    assert scope["level"] == "ok"
    failed = next(verdict for verdict in verdicts if verdict["part"] == "scope" and verdict["level"] == "fail")
    assert failed["code"] == "unreachable" and failed["hint"]


def test_install_service_shows_what_it_would_do(capsys):
    assert main(["install-service", "--system", "--dry-run"]) == FINE
    shown = capsys.readouterr().out
    assert "systemctl daemon-reload" in shown
    assert "Type=notify" in shown


def test_strict_refuses_a_broken_file(home, capsys):
    assert main(["run", "--strict", "--config", config(home, "[program\n")]) == BAD_CONFIGURATION
    assert "c.toml:1" in capsys.readouterr().err


def test_a_status_reads_well():
    status = {
        "version": "1",
        "state": "degraded",
        "uptime_s": 3.0,
        "scope": {
            "state": "live",
            "url": "http://x",
            "pipeline": "longlive",
            "mode": "text",
            "video": {"frames": 2, "width": 576, "height": 320, "fps": 15.0},
            "params": {"sent": 1, "coalesced": 2},
            "ice": {"local": "relay/tcp", "relay": "turn:venue?transport=tcp", "source": "static"},
        },
        "tempo": {"source": "audio", "bpm": 124.0, "beat": 7, "confidence": 0.9, "next_beat_sd_ms": 4.0},
        "audio": {"source": "demo", "state": "running", "level_db": -9.0, "gated": False},
        "midi": [],
        "osc": [{"address": "127.0.0.1:9700", "received": 4, "rejected": 1, "dropped": None}],
        "theme": "neon-foundry",
        "params": {"ineffective": {"noise_scale": "text mode."}},
        "outputs": [{"name": "ndi", "state": "open", "fps": 30.0, "frames": 9, "receivers": 1}],
        "rejected": [{"source": "osc:127.0.0.1:9700", "reason": "not OSC", "count": 3}],
        "problems": [{"part": "midi", "message": "gone.", "hint": "Plug it in."}],
    }
    text = "\n".join(lines_of(status))
    assert "124.0 BPM" in text
    assert "demo  running  -9 dBFS\n" in text
    status["audio"] |= {"peak_db": -0.4, "clipping": True, "section": "build_up"}
    assert "demo  running  -9 dBFS, peak -0, CLIPPING, build-up\n" in "\n".join(lines_of(status))
    assert "through turn:venue?transport=tcp (static)" in text
    status["os2l"] = {"address": "127.0.0.1:9996", "state": "listening", "peers": 1, "received": 12}
    status["link"] = {"mode": "lead", "peers": 2, "bpm": 124.0, "error_ms": -0.4}
    status["midi_clock_out"] = {"port": "DrumBrute", "state": "open", "sent": 240}
    clocks = "\n".join(lines_of(status))
    for line in (
        "os2l     127.0.0.1:9996  listening, 1 programs, 12 received",
        "link     lead, 2 peers, 124.0 BPM, -0.4 ms off",
        "clock    to DrumBrute  open, 240 ticks",
    ):
        assert line in clocks and line not in text
    assert "1 rejected" in text
    assert "rejected 3 from osc:127.0.0.1:9700: not OSC" in text
    assert "PROBLEM  midi: gone. Plug it in." in text


@pytest.mark.parametrize("verb", ["demo", "listen", "monitor", "run"])
@pytest.mark.parametrize("text", ["nan", "inf", "-1", "soon"])
def test_a_length_of_time_is_a_finite_number(verb, text, capsys):
    with pytest.raises(SystemExit) as exit_:
        main([verb, f"--seconds={text}"])
    assert exit_.value.code == 2
    assert "is not a number of seconds" in capsys.readouterr().err


def test_check_offline_uses_the_schemas_kept_from_the_server(home, capsys):
    assert main(["check", "--offline"]) == FINE
    assert "the schemas that ship with Scope Bridge" in capsys.readouterr().err
    text = {"type": "string", "enum": ["wan", "tae"]}
    properties = {"vae_type": {**text, "ui": {"is_load_param": True}}}
    aurora = {"supported_modes": ["video"], "config_schema": {"properties": properties}}
    store = SchemaStore(home / "xdg_cache_home" / "scope-bridge" / "schemas")
    store.keep("0.2.9", {"pipelines": {"aurora": aurora}})
    given = ["check", "--offline", "--json", "-o", 'scope.urls=["http://127.0.0.1:9"]']
    assert main([*given, "-o", "scope.pipeline=auorra"]) == BAD_CONFIGURATION
    told = capsys.readouterr()
    assert "kept from Scope 0.2.9, less than a minute old" in told.err
    assert [issue["hint"] for issue in json.loads(told.out)] == ['Did you mean "aurora"?']
    wrong = ["-o", "scope.load_params.vae_type=lux", "-o", "scope.load_params.vae_tpye=wan"]
    assert main([*given, "-o", "scope.pipeline=aurora", *wrong]) == BAD_CONFIGURATION
    places = [issue["where"] for issue in json.loads(capsys.readouterr().out)]
    assert places == ["scope.input_mode", "scope.load_params.vae_type", "scope.load_params.vae_tpye"]


def test_check_says_that_the_sound_device_is_not_there_and_is_content(home, capsys, monkeypatch):
    there = (InputDevice(0, "DJM-900NXS2", "ALSA", 10, 48000.0),)
    monkeypatch.setattr("bridge.cli.check_verb.list_devices", lambda: there)
    live = ["check", "--offline", "-o", "audio.source=live", "-o"]
    assert main([*live, "audio.device=djm"]) == FINE
    assert "waited for" not in capsys.readouterr().err
    assert main([*live, "audio.device=Scarlett"]) == FINE
    assert 'waited for: No sound input is named "Scarlett"' in capsys.readouterr().err
    assert main([*live, "audio.device=djm", "-o", "audio.channels=[11, 12]"]) == FINE
    assert "has 10 input channels" in capsys.readouterr().err


def test_check_says_why_the_server_was_not_asked(home, capsys):
    assert main(["check", "-o", 'scope.urls=["http://127.0.0.1:9"]']) == FINE
    assert "since the server was not reached: No connection to http://127.0.0.1:9" in capsys.readouterr().err
