"""Settings of the Scope session."""

from __future__ import annotations

__all__ = ["POD", "IceServerSettings", "LoadParams", "ScopeSettings", "TurnSettings"]

from typing import Any, Final, Literal

from pydantic import ConfigDict, Field, SecretStr, field_validator

from bridge.model.document import PartSettings
from bridge.scope.servers import FailBack
from bridge.scope.urls import check_url, ice_uri, is_loopback

POD: Final = "pod"
"""In ``scope.urls`` the rented pod's own address."""


class LoadParams(PartSettings):
    """What the pipeline is loaded with; keys of the pipeline's own may be added."""

    model_config = ConfigDict(extra="allow", frozen=True)

    width: int = Field(
        default=576, ge=16, le=4096, multiple_of=16, description="Width of the picture, a multiple of 16."
    )
    height: int = Field(
        default=320, ge=16, le=4096, multiple_of=16, description="Height of the picture, a multiple of 16."
    )
    base_seed: int = Field(default=42, ge=0, description="Seed of the pictures.")
    vace_enabled: bool = Field(
        default=False,
        description="Load VACE, for reference images and avatars. Costs memory and time when not used. "
        "Left out, it is loaded when [avatar] has a picture.",
    )
    quantization: Literal["fp8_e4m3fn"] | None = Field(
        default=None, description='"fp8_e4m3fn" lets large pipelines fit into less GPU memory.'
    )

    def wanted(self, *, with_vace: bool) -> dict[str, Any]:
        """The load parameters; ``with_vace`` loads it too, unless it was set to false in so many words."""
        params = self.as_params()
        return {**params, "vace_enabled": True} if with_vace and not self.forbids_vace else params

    @property
    def forbids_vace(self) -> bool:
        """Whether somebody wrote that VACE is not to be loaded."""
        return "vace_enabled" in self.model_fields_set and not self.vace_enabled

    def as_params(self) -> dict[str, Any]:
        """The load parameters as the server takes them, the old name of the seed included."""
        params = self.model_dump(exclude_none=True)
        return {**params, "seed": self.base_seed}


class IceServerSettings(PartSettings):
    """One STUN or TURN server of your own."""

    urls: tuple[str, ...] = Field(..., min_length=1, description='Such as "turn:turn.example.org:3478?transport=udp".')
    username: str = Field("", description="User name for TURN.")
    credential: SecretStr = Field(SecretStr(""), description="Password for TURN.")

    @field_validator("urls")
    @classmethod
    def _check_urls(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        for url in urls:
            ice_uri(url)
        return urls


class TurnSettings(PartSettings):
    """Where relay passwords of your own are fetched, for networks that block UDP; fetched before they age."""

    huggingface_token: SecretStr = Field(
        SecretStr(""), description="Hugging Face token with read permission; unset takes HF_TOKEN from the environment."
    )
    cloudflare_key_id: str = Field(
        "",
        pattern=r"^[A-Za-z0-9_-]*$",
        description="Cloudflare TURN key; unset takes CLOUDFLARE_TURN_KEY_ID from the environment.",
    )
    cloudflare_api_token: SecretStr = Field(
        SecretStr(""), description="The key's API token; unset takes CLOUDFLARE_TURN_API_TOKEN from the environment."
    )
    use_environment: bool = Field(
        True, description="Take tokens that are not set here from the environment; false where there is no internet."
    )
    huggingface_url: str = Field(
        "https://turn.fastrtc.org/credentials", description="Where the Hugging Face token is shown for a password."
    )
    cloudflare_url: str = Field(
        "https://rtc.live.cloudflare.com/v1/turn/keys",
        description="Where the Cloudflare token is shown for a password.",
    )
    ttl_s: int = Field(86400, ge=60, le=172800, description="How long fetched passwords shall last, in seconds.")
    timeout_s: float = Field(
        4.0, gt=0, le=30, description="Longest wait for a password when there is none, in seconds."
    )

    @field_validator("huggingface_url", "cloudflare_url")
    @classmethod
    def _check_endpoint(cls, url: str) -> str:
        checked = check_url(url)
        if not checked.startswith("https:") and not is_loopback(checked):
            raise ValueError("must begin with https://, because a token is sent there.")
        return checked


class ScopeSettings(PartSettings):
    """The Daydream Scope server and the session with it."""

    urls: tuple[str, ...] = Field(
        (),
        description='Servers in order of preference, such as "http://192.168.1.20:8000". The first that works is used. '
        '"pod" is the pod of pod.id, which is also used when no server is named.',
    )
    pinned: str = Field(
        "",
        description='Play on this one of the servers alone: its number from 1, address or host; "" chooses by preference.',
    )
    fail_back: FailBack = Field(
        "idle",
        description='When to leave a live picture for a more preferred server that is well again: "idle" while nobody sees '
        'it (blackout, pause), "soon" as soon as it is loaded there, "off" never. After a loss it is used in any case but "off".',
    )
    fail_back_after_s: float = Field(
        60.0,
        ge=0,
        description="How long a more preferred server must have been healthy before it is gone back to, in seconds.",
    )
    probe_s: float = Field(
        10.0, gt=0, le=3600, description="How often servers that are not in use are asked for their health, in seconds."
    )
    pipeline: str = Field("longlive", description='Pipeline to load; "" takes whatever the server has loaded.')
    load_params: LoadParams = Field(LoadParams(), description="What the pipeline is loaded with.")
    input_mode: Literal["text", "video"] = Field(
        "text",
        description='"text" makes pictures from prompts alone; "video" sends the picture of [video] as well, which the prompts then paint.',
    )
    codec: Literal["VP8", "H264"] = Field("VP8", description="Preferred video codec; VP8 is what Scope is tested with.")
    send_mbps: float = Field(
        4.0,
        ge=0.5,
        le=20.0,
        description="Most that the video to Scope may take of the uplink in video mode, in Mbit/s; it begins at half.",
    )
    ice_servers: tuple[IceServerSettings, ...] = Field(
        (), description="Own STUN and TURN servers, tried before the server's list (whose passwords may be stale)."
    )
    use_server_ice: bool = Field(True, description="Also use the STUN and TURN servers that the Scope server names.")
    turn: TurnSettings = Field(TurnSettings(), description="Where relay passwords of your own are fetched.")
    turn_transport: Literal["auto", "udp", "tcp", "tls"] = Field(
        "auto",
        description='How a TURN server is reached; "auto" tries udp, then tcp, then tls, and stays with what works.',
    )
    relay_only: bool = Field(False, description="Send media through a TURN server only, never directly.")
    ice_gather_s: float = Field(
        2.0, gt=0, le=5, description="Longest wait for STUN and TURN servers to answer, in seconds."
    )
    param_rate_hz: float = Field(
        30.0, gt=0, le=120, description="Ceiling for messages per second; the pace of the pipeline is usually slower."
    )
    aim: bool = Field(
        True,
        description="While parameters stream, ask the server a few times a second where its pipeline call is, and send "
        "each message just before the next one starts.",
    )
    chunk_frames: int | None = Field(
        None, ge=1, le=240, description="Frames of one pipeline call, for a pipeline that nobody knows the size of."
    )
    allow_unknown_params: bool = Field(
        False, description="Also send parameters that neither the pipeline's schema nor Scope itself knows."
    )
    http_timeout_s: float = Field(8.0, gt=0, le=120, description="Longest wait for one HTTP answer, in seconds.")
    load_timeout_s: float = Field(600.0, gt=0, description="Longest wait for a pipeline to load, in seconds.")
    first_frame_timeout_s: float = Field(
        15.0, gt=0, description="Longest wait for the first frame, in seconds; at least eight pipeline calls."
    )
    stall_s: float = Field(
        1.0, gt=0, description="Silence after which the video counts as stalled; at least 3 pipeline calls."
    )
    lost_s: float = Field(
        3.0, gt=0, description="Silence after which the session is made anew; at least 6 pipeline calls."
    )
    poll_s: float = Field(5.0, gt=0, description="How often the server is asked whether it is still ours, in seconds.")
    retry_s: float = Field(
        0.5, gt=0, le=60, description="First wait before connecting again, in seconds; doubled each time."
    )
    retry_max_s: float = Field(5.0, gt=0, le=300, description="Longest wait before connecting again, in seconds.")

    @field_validator("urls")
    @classmethod
    def _check_urls(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(POD if url.strip() == POD else check_url(url) for url in urls)
