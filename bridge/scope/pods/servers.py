"""Which of Scope's servers is the pod."""

from __future__ import annotations

__all__ = ["with_pod"]

from bridge.scope.pods.settings import PodSettings
from bridge.scope.settings import POD, ScopeSettings


def with_pod(scope: ScopeSettings, pod: PodSettings) -> ScopeSettings:
    """The session's settings with the pod's address in the place of "pod", or as the only server where none is named."""
    urls = scope.urls or ((POD,) if pod.id else ())
    named = tuple(pod.url if url == POD else url for url in urls)
    return scope.model_copy(update={"urls": tuple(dict.fromkeys(url for url in named if url))})
