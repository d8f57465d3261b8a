"""Settings of the rented GPU."""

from __future__ import annotations

__all__ = ["PodSettings"]

from pydantic import Field, field_validator

from bridge.model.document import PartSettings
from bridge.scope.urls import check_url, is_loopback


class PodSettings(PartSettings):
    """The RunPod pod that Scope runs on. The API key comes from the environment alone: RUNPOD_API_KEY."""

    id: str = Field(
        "", pattern=r"^[A-Za-z0-9_-]{0,64}$", description='The pod, as "scope-bridge pod status" lists it; "" for none.'
    )
    start_on_launch: bool = Field(False, description="Start the pod when the daemon starts. It costs money from then.")
    idle_stop_min: float = Field(
        0.0,
        ge=0,
        description="Stop the pod after so many minutes in which nobody watched frames and no input came; 0 never. "
        "A virtual camera cannot tell whether somebody watches: with live frames it counts as watched.",
    )
    max_session_min: float = Field(
        0.0, ge=0, description="Warn at 80 % and 100 % of so many minutes of a run; 0 never."
    )
    max_spend_usd: float = Field(0.0, ge=0, description="Warn at 80 % and 100 % of so many US dollars a run; 0 never.")
    stop_at_limit: bool = Field(
        False, description="Stop the pod when a limit is reached; otherwise limits only warn, and the show goes on."
    )
    dry_run: bool = Field(False, description="Never start or stop anything: only say what would be done.")
    port: int = Field(8000, ge=1, le=65535, description="Port of Scope on the pod, exposed there as HTTP.")
    scope_url: str = Field(
        "", description="Scope's address, where it is not RunPod's proxy (https://<id>-<port>.proxy.runpod.net)."
    )
    poll_s: float = Field(15.0, gt=0, le=600, description="How often RunPod is asked for the pod, in seconds.")
    quick_poll_s: float = Field(
        3.0, gt=0, le=60, description="The same while it starts or stops, and the first wait after a failure."
    )
    http_timeout_s: float = Field(15.0, gt=0, le=120, description="Longest wait for one answer, in seconds.")
    boot_timeout_s: float = Field(
        900.0, gt=0, description="Longest wait from start until Scope answers on the pod, in seconds."
    )
    stop_timeout_s: float = Field(
        180.0,
        gt=0,
        description="Seconds after which a stop that is not confirmed is called a failure; tried on anyway.",
    )
    api_url: str = Field("https://api.runpod.io/v2", description="RunPod's REST API, version 2.")

    @field_validator("api_url")
    @classmethod
    def _check_api(cls, url: str) -> str:
        checked = check_url(url)
        if not checked.startswith("https:") and not is_loopback(checked):
            raise ValueError("must be an https address: your API key travels with every request.")
        if "@" in checked or "?" in checked:
            raise ValueError("takes no user, password or query: the key comes from RUNPOD_API_KEY.")
        return checked

    @field_validator("scope_url")
    @classmethod
    def _check_scope(cls, url: str) -> str:
        return check_url(url) if url.strip() else ""

    @property
    def url(self) -> str:
        """Where Scope on the pod is found (cloud section 3); "" without a pod."""
        if not self.id:
            return ""
        return self.scope_url or f"https://{self.id}-{self.port}.proxy.runpod.net"
