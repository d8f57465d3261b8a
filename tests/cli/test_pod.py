"""``scope-bridge pod`` as a user calls it, against RunPod's API and proxy as a real server: exit codes, words, no key."""

import json
import os
import signal

import pytest

from bridge.cli import main
from bridge.cli.exits import BAD_CONFIGURATION, FINE, RUNTIME, STOP_NOT_CONFIRMED
from tests.scope.pods.runpod_server import KEY, POD, Fault, runpod_server


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    monkeypatch.setenv("RUNPOD_API_KEY", KEY)


@pytest.fixture
def server():
    with runpod_server() as found:
        yield found


def arguments(server, *more, pod=POD):
    quick = {
        "api_url": f'"{server.api_url}"',
        "scope_url": f'"{server.scope_url}"',
        "id": f'"{pod}"',
        "quick_poll_s": 0.02,
    }
    options = [part for key, value in quick.items() for part in ("-o", f"pod.{key}={value}")]
    return [*options, "pod", *more]


@pytest.fixture
def pod(server, capsys):
    """Call the verb; its exit code, output and errors, which never hold the key or the pod's own secrets."""

    def call(*more, pod=POD):
        code = main(arguments(server, *more, pod=pod))
        shown = capsys.readouterr()
        for secret in (KEY, "hf_NEVER_SHOWN"):
            assert secret not in shown.out + shown.err
        return code, shown.out, shown.err

    return call


def test_start_waits_for_scope_and_says_where_it_is_and_what_it_costs(server, pod):
    server.boots.extend([502, 503, 524])
    code, out, err = pod("start")
    assert code == FINE
    assert f"Scope is ready at {server.scope_url}." in out
    assert "$0.44 an hour" in out
    assert server.asked("start") == 1
    assert server.probes == 4
    for word in ("EXITED", "STARTING", "RUNNING (booting)"):
        assert word in err


def test_starting_a_running_pod_only_waits(server, pod):
    server.status = "RUNNING"
    assert pod("start")[0] == FINE
    assert server.asked("start") == 0


def test_somebody_else_starting_it_first_is_fine(server, pod):
    server.faults.append(Fault(409, '{"title":"Conflict","status":409,"detail":"already starting"}', only="start"))
    server.moves["EXITED"] = "STARTING"  # another client's start
    code, _, err = pod("start")
    assert (code, server.asked("start")) == (FINE, 1), err


def test_a_start_that_is_refused_is_explained_and_ends(server, pod):
    conflict = '{"title":"Conflict","status":409,"detail":"There are not enough free GPUs on the host"}'
    server.outage = Fault(409, conflict, only="start")
    code, _, err = pod("start")
    assert code == RUNTIME
    assert "not enough free GPUs" in err
    assert "try later" in err
    assert server.asked("start") == 1


def test_a_pod_without_its_gpu_is_recognised(server, pod):
    server.gpu = {"id": "NVIDIA GeForce RTX 4090", "count": 0}
    code, _, err = pod("start")
    assert code == RUNTIME
    assert "without a GPU" in err
    assert "scope-bridge pod stop" in err


def test_a_gpu_that_only_scope_misses_is_recognised(server, pod):
    server.vram_gb = None
    code, _, err = pod("start")
    assert code == RUNTIME
    assert "without a GPU" in err


def test_a_boot_that_never_ends_is_given_up(server, pod):
    server.boots.extend([502] * 1000)
    code, _, err = pod("start", "--timeout", "0.3")
    assert code == RUNTIME
    assert "not ready after" in err
    assert "costs money" in err


def test_wait_does_not_start(server, pod):
    code, _, err = pod("wait")
    assert code == RUNTIME
    assert "scope-bridge pod start" in err
    assert server.asked("start") == 0


def test_wait_follows_a_pod_that_starts(server, pod):
    server.status = "PROVISIONING"
    assert pod("wait")[0] == FINE


def test_stop_is_confirmed(server, pod):
    server.status = "RUNNING"
    code, out, _ = pod("stop")
    assert code == FINE
    assert "confirmed by RunPod (EXITED)" in out
    assert server.status == "EXITED"


def test_stopping_a_stopped_pod_asks_for_nothing(server, pod):
    assert pod("stop")[0] == FINE
    assert server.asked("stop") == 0


def test_a_stop_that_fails_twice_is_tried_again(server, pod):
    server.status = "RUNNING"
    server.faults.extend([Fault(503, only="stop"), Fault(500, "<html>oops</html>", only="stop")])
    assert pod("stop")[0] == FINE
    assert server.asked("stop") == 3


def test_a_stop_without_effect_is_asked_again_and_then_told_loudly(server, pod):
    server.status, server.stops_at_all = "RUNNING", False
    code, _, err = pod("stop", "--timeout", "1")
    assert code == STOP_NOT_CONFIRMED
    assert "NOT CONFIRMED AS STOPPED" in err
    assert server.asked("stop") >= 2


def test_a_locked_pod_is_told_loudly(server, pod):
    server.status, server.locked = "RUNNING", True
    code, _, err = pod("stop")
    assert code == STOP_NOT_CONFIRMED
    assert "locked" in err
    assert server.asked("stop") == 0


@pytest.mark.parametrize(("what", "code"), [("start", RUNTIME), ("stop", STOP_NOT_CONFIRMED), ("status", RUNTIME)])
def test_a_refused_key_is_one_clear_error(server, pod, monkeypatch, what, code):
    monkeypatch.setenv("RUNPOD_API_KEY", "rpa_wrong")
    found, out, err = pod(what)
    assert found == code
    assert "does not accept the API key" in err
    assert "rpa_wrong" not in out + err
    assert len(server.calls) == 1


@pytest.mark.parametrize("what", ["status", "start", "stop", "wait"])
def test_without_a_key_nothing_is_asked(server, pod, monkeypatch, what):
    monkeypatch.delenv("RUNPOD_API_KEY")
    code, _, err = pod(what)
    assert code == BAD_CONFIGURATION
    assert "RUNPOD_API_KEY is not set" in err
    assert server.calls == []


def test_without_a_pod_status_lists_and_start_does_not(server, pod):
    code, out, _ = pod("status", pod="")
    assert code == FINE
    assert POD in out
    assert "stage" in out
    code, _, err = pod("start", pod="")
    assert code == BAD_CONFIGURATION
    assert "pod status lists" in err


def test_an_unknown_pod_is_told(pod):
    code, _, err = pod("start", pod="nosuch")
    assert code == RUNTIME
    assert "no such pod" in err


def test_status_shows_what_it_costs(server, pod):
    server.status, server.uptime = "RUNNING", 3600.0
    code, out, _ = pod("status")
    assert code == FINE
    assert "$0.44/h, up 60 min, $0.44 so far" in out
    code, out, _ = pod("status", "--json")
    shown = json.loads(out)
    assert (shown["status"], shown["spend_usd"], shown["gpu_count"]) == ("RUNNING", 0.44, 1)


def test_a_dry_run_changes_nothing(server, pod):
    code, out, _ = pod("start", "--dry-run")
    assert code == FINE
    assert "would start" in out
    server.status = "RUNNING"
    code, out, _ = pod("stop", "--dry-run", "--json")
    assert code == FINE
    assert json.loads(out)["dry"] is True
    assert set(server.calls) == {"look"}


def test_a_stop_works_with_a_broken_configuration_file(server, pod, tmp_path, capsys):
    broken = tmp_path / "c.toml"
    broken.write_text("[program]\nfsp = 3\n")
    server.status = "RUNNING"
    assert main([*arguments(server, "stop"), "--config", str(broken)]) == FINE
    assert "program.fsp" in capsys.readouterr().err
    assert main([*arguments(server, "start"), "--config", str(broken)]) == BAD_CONFIGURATION


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_stop_says_that_nothing_is_confirmed(server, pod, number):
    server.status, server.stops_at_all = "RUNNING", False
    server.on_stop = lambda: os.kill(os.getpid(), number)
    code, _, err = pod("stop")
    assert code == STOP_NOT_CONFIRMED
    assert "NOT CONFIRMED AS STOPPED" in err


def test_an_interrupted_start_says_that_the_pod_goes_on(server, pod):
    server.boots.extend([502] * 1000)
    server.on_probe = lambda: os.kill(os.getpid(), signal.SIGINT)
    code, _, err = pod("start")
    assert code == 130
    assert "costs money: scope-bridge pod stop" in err
    assert server.status == "RUNNING"
