"""The rented GPU: RunPod's API, the pod's life as a state machine, and the guard over its cost."""

from bridge.scope.pods.asker import asker
from bridge.scope.pods.guard import CostGuard, Use
from bridge.scope.pods.keeper import PodKeeper
from bridge.scope.pods.machine import Goal, PodMachine, Seen
from bridge.scope.pods.pod import Pod
from bridge.scope.pods.runpod import KEY_VARIABLE, RunPod, read_key
from bridge.scope.pods.servers import with_pod
from bridge.scope.pods.settings import PodSettings

__all__ = [
    "KEY_VARIABLE",
    "CostGuard",
    "Goal",
    "Pod",
    "PodKeeper",
    "PodMachine",
    "PodSettings",
    "RunPod",
    "Seen",
    "Use",
    "asker",
    "read_key",
    "with_pod",
]
