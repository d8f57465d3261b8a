"""Which server is the pod."""

import pytest

from bridge.scope import ScopeSettings
from bridge.scope.pods import PodSettings, with_pod

POD_URL = "https://k3-8000.proxy.runpod.net"


@pytest.mark.parametrize(
    ("urls", "pod", "servers"),
    [
        ((), "k3", (POD_URL,)),
        ((), "", ()),
        (("pod",), "k3", (POD_URL,)),
        (("pod",), "", ()),
        (("http://gpu.local:8000", " pod "), "k3", ("http://gpu.local:8000", POD_URL)),
        (("http://gpu.local:8000",), "k3", ("http://gpu.local:8000",)),
        ((POD_URL, "pod"), "k3", (POD_URL,)),
    ],
)
def test_the_pods_address_stands_where_pod_stood(urls, pod, servers):
    assert with_pod(ScopeSettings(urls=urls), PodSettings(id=pod)).urls == servers
