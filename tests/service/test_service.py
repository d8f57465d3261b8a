"""sd_notify at byte level, the watchdog's verdict, and the installer's plan on a scratch root."""

import socket
from pathlib import Path

import pytest

from bridge.model.errors import ServiceError
from bridge.service import Health, Notifier, Pulse, apply, plan_install, plan_uninstall


@pytest.fixture
def manager(tmp_path):
    """systemd's end of the notification socket."""
    end = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    end.bind(str(tmp_path / "notify"))
    end.settimeout(5)
    yield end
    end.close()


def test_messages_are_what_sd_notify_says(manager):
    notifier = Notifier({"NOTIFY_SOCKET": manager.getsockname(), "WATCHDOG_USEC": "20000000"}, pid=7)
    notifier.ready("live,\n3 outputs")
    notifier.status("degraded")
    notifier.ping()
    notifier.stopping()
    notifier.close()
    assert [manager.recv(200) for _ in range(4)] == [
        b"READY=1\nSTATUS=live, 3 outputs",
        b"STATUS=degraded",
        b"WATCHDOG=1",
        b"STOPPING=1",
    ]
    assert notifier.watchdog_s == 20.0


def test_an_abstract_socket_works(manager):
    end = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    end.bind("\0scope-bridge-test-notify")
    end.settimeout(5)
    notifier = Notifier({"NOTIFY_SOCKET": "@scope-bridge-test-notify"})
    notifier.ping()
    assert end.recv(100) == b"WATCHDOG=1"
    notifier.close()
    end.close()


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "x"}, None),
        ({"WATCHDOG_USEC": "5000000", "WATCHDOG_PID": "8"}, None),
        ({"WATCHDOG_USEC": "5000000", "WATCHDOG_PID": "7"}, 5.0),
    ],
)
def test_the_watchdog_interval_is_for_our_process_only(environ, expected):
    notifier = Notifier(environ, pid=7)
    assert notifier.watchdog_s == expected
    assert not notifier.active
    notifier.ping()


def test_a_dead_manager_is_survived(tmp_path):
    notifier = Notifier({"NOTIFY_SOCKET": str(tmp_path / "nobody")})
    notifier.ping()
    notifier.ping()
    notifier.close()


def test_health_complains_only_of_what_should_turn_and_does_not():
    health = Health()
    lasts: dict[str, float | None] = {"control": 10.0, "ears": None, "program": 4.0}
    for name in lasts:
        health.watch(Pulse(name, 5.0, lambda name=name: lasts[name]))
    assert health.complaints(12.0) == ("program stood still for 8.0 s (limit 5 s).",)
    lasts["program"] = 11.0
    assert health.complaints(12.0) == ()


def test_the_system_plan_writes_unit_and_module_files_and_enables(tmp_path):
    plan = plan_install("system", executable=Path("/opt/sb/bin/scope-bridge"), home=tmp_path, root=tmp_path)
    ran: list[tuple[str, ...]] = []
    apply(plan, run=lambda command: ran.append(tuple(command)) or 0)
    unit = (tmp_path / "etc/systemd/system/scope-bridge.service").read_text()
    assert "ExecStart=/opt/sb/bin/scope-bridge run" in unit
    assert "ProtectHome=yes" in unit
    assert "@EXEC@" not in unit and "@HOME@" not in unit.split("[Service]")[1]
    assert 'card_label="Scope Bridge"' in (tmp_path / "etc/modprobe.d/scope-bridge.conf").read_text()
    assert "v4l2loopback" in (tmp_path / "etc/modules-load.d/scope-bridge.conf").read_text()
    assert ran == [("systemctl", "daemon-reload"), ("systemctl", "enable", "--now", "scope-bridge.service")]


def test_a_program_in_a_home_directory_stays_readable(tmp_path):
    plan = plan_install("system", executable=Path("/home/dj/.venv/bin/scope-bridge"), home=tmp_path, root=tmp_path)
    assert "ProtectHome=read-only" in plan.writes[0][1]


def test_the_user_plan_touches_the_home_alone(tmp_path):
    plan = plan_install("user", executable=Path("/x/scope-bridge"), home=tmp_path, start=False)
    assert [path for path, _ in plan.writes] == [tmp_path / ".config/systemd/user/scope-bridge.service"]
    assert plan.commands[-1] == ("systemctl", "--user", "enable", "scope-bridge.service")
    assert "enable-linger" in str(plan)


def test_uninstall_disables_first_then_removes(tmp_path):
    apply(plan_install("system", executable=Path("/x"), home=tmp_path, root=tmp_path), run=lambda _: 0)
    unit = tmp_path / "etc/systemd/system/scope-bridge.service"
    seen: list[bool] = []
    apply(plan_uninstall("system", home=tmp_path, root=tmp_path), run=lambda _: seen.append(unit.exists()) or 0)
    assert seen == [True, False]


def test_a_failed_command_is_an_error_with_its_name(tmp_path):
    plan = plan_install("user", executable=Path("/x"), home=tmp_path)
    with pytest.raises(ServiceError, match="daemon-reload"):
        apply(plan, run=lambda _: 1)
