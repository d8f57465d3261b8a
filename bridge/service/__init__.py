"""Living under systemd: readiness, a watchdog tied to real health, and the units."""

from bridge.service.health import Health, Pulse
from bridge.service.install import InstallPlan, apply, plan_install, plan_uninstall
from bridge.service.notify import Notifier

__all__ = ["Health", "InstallPlan", "Notifier", "Pulse", "apply", "plan_install", "plan_uninstall"]
