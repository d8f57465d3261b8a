"""Every trouble with a Scope server by name: what is wrong, what to do, and what the bridge does itself.

The one catalogue behind the problems on the status page, the verdicts of ``scope-bridge doctor`` and
``docs/troubleshooting.md`` (scope-protocol sections 0, 9 and 10; cloud.md section 3; issue 3 part 4).
"""

from __future__ import annotations

__all__ = ["CATALOGUE", "Diagnosis", "Trouble", "diagnosis", "trouble_error"]

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from bridge.model.errors import ScopeError

E = TypeVar("E", bound=ScopeError)


@dataclass(frozen=True, slots=True)
class Trouble:
    """One row. ``message`` and ``hint`` may hold ``{facts}``; ``seen`` and ``mend`` are for the documentation.

    ``mend`` is what the bridge does without being asked; empty where only a person can help.
    """

    code: str
    chapter: str
    message: str
    hint: str
    seen: str
    mend: str = ""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A trouble with its facts filled in: ``code`` for the board, ``message`` what is wrong, ``hint`` what to do."""

    code: str
    message: str
    hint: str


_RETRY: Final = "Tried again with growing waits, the next server in between."
_ANEW: Final = "A new session is made and the whole state sent again."

_REACHING: Final = (
    Trouble(
        "no-server",
        "Reaching the server",
        "No Scope server is configured.",
        'Set scope.urls, such as ["http://127.0.0.1:8000"].',
        "`scope.urls` is empty",
    ),
    Trouble(
        "dns",
        "Reaching the server",
        "The name of {server} is not known to the network.",
        "Check the spelling in scope.urls and this machine's DNS; a number instead of the name works without.",
        "the name does not resolve",
        _RETRY,
    ),
    Trouble(
        "nothing-listens",
        "Reaching the server",
        "No connection to {server}: nothing listens there.",
        "Check that the Scope server runs, and its port in scope.urls; Scope listens on 8000.",
        "the connection is refused",
        _RETRY,
    ),
    Trouble(
        "broken-off",
        "Reaching the server",
        "{server} gives no answer: {detail}.",
        "It is probably just starting or stopping; else check address and port in scope.urls.",
        "the connection breaks off, or what answers is not HTTP",
        _RETRY,
    ),
    Trouble(
        "proxy",
        "Reaching the server",
        "A proxy in front of {server} gets no answer from Scope (HTTP {status}).",
        "Check that Scope runs behind it.",
        "HTTP 502 to 504 or 520 to 530, not in Scope's words",
        _RETRY,
    ),
    Trouble(
        "unreachable",
        "Reaching the server",
        "No connection to {server} ({detail}).",
        "Check that the Scope server runs, and its address and port in scope.urls.",
        "no route, or another reason of the network's",
        _RETRY,
    ),
    Trouble(
        "no-answer",
        "Reaching the server",
        "{server}{path} gave no answer within {seconds:g} s.",
        "Check the network, and that the server is not busy loading; scope.http_timeout_s is the limit.",
        "the connection is taken, or swallowed, and no answer comes",
        _RETRY,
    ),
    Trouble(
        "tls",
        "Reaching the server",
        "{server} does not speak TLS as it should ({detail}).",
        "Check whether the address in scope.urls must begin with http:// and not https://.",
        "the TLS handshake fails",
        _RETRY,
    ),
    Trouble(
        "cert-expired",
        "Reaching the server",
        "The certificate of {server} has expired.",
        "Renew it on the server; if it should still be good, check this machine's date.",
        "the certificate's time is over",
        _RETRY,
    ),
    Trouble(
        "cert-untrusted",
        "Reaching the server",
        "The certificate of {server} is signed by nobody this machine trusts.",
        "Use one of a public authority, name your own with SSL_CERT_FILE, or use http:// inside your own network.",
        "the certificate signs itself, or its authority is unknown here",
        _RETRY,
    ),
    Trouble(
        "cert-name",
        "Reaching the server",
        "The certificate of {server} is not good for it ({detail}).",
        "Check that scope.urls has the name that the certificate was made for.",
        "the certificate is for another name, or not verified for another reason",
        _RETRY,
    ),
    Trouble(
        "redirect",
        "Reaching the server",
        "{server}{path} redirects to {target} (HTTP {status}), which is not followed.",
        "If that is the server you mean, put its address (often https instead of http) into scope.urls.",
        "HTTP 3xx",
        _RETRY,
    ),
    Trouble(
        "not-scope",
        "Reaching the server",
        "{server} answers, but not as Scope does ({detail}).",
        "Check address and port in scope.urls; Scope listens on 8000.",
        "no `/health`, no JSON, another shape or far too much of it",
        _RETRY,
    ),
    Trouble(
        "compressed",
        "Reaching the server",
        "{server}{path} sent a compressed answer, which was not asked for.",
        "Switch compression off in the proxy in front of Scope.",
        "`Content-Encoding`, behind which gigabytes could hide",
        _RETRY,
    ),
    Trouble(
        "login",
        "Reaching the server",
        "{server} wants a login (HTTP {status}).",
        "Put user and password into the address: https://user:password@host.",
        "HTTP 401 or 403",
        _RETRY,
    ),
    Trouble(
        "refused",
        "Reaching the server",
        "{server}{path} refused (HTTP {status}){detail}.",
        "The server's log says more.",
        "any other error status",
        _RETRY,
    ),
    Trouble(
        "pod-stopped",
        "Reaching the server",
        "RunPod's proxy knows no running pod at this address.",
        "Start it (scope-bridge pod start), or correct its id in scope.urls; port 8000 must be exposed as HTTP.",
        "HTTP 404 from `*.proxy.runpod.net`",
        _RETRY,
    ),
    Trouble(
        "pod-booting",
        "Reaching the server",
        "The pod runs, but Scope does not answer yet.",
        "It is probably still starting; this is tried again.",
        "HTTP 502 from `*.proxy.runpod.net`",
        _RETRY,
    ),
    Trouble(
        "pod-not-ready",
        "Reaching the server",
        "The pod is not ready yet.",
        "It is probably still starting; this is tried again.",
        "HTTP 503 from `*.proxy.runpod.net`",
        _RETRY,
    ),
    Trouble(
        "pod-hangs",
        "Reaching the server",
        "RunPod's proxy gave up waiting for Scope.",
        "Scope hangs or is overloaded; restart the pod if this goes on.",
        "HTTP 524 from `*.proxy.runpod.net`",
        _RETRY,
    ),
    Trouble(
        "pinned",
        "Reaching the server",
        "Only the pinned server {server} is tried, and it does not work.",
        "Let the others be tried too: scope-bridge servers --auto, or /bridge/server 0.",
        "the pinned server fails while others are configured",
    ),
    Trouble(
        "old-server",
        "Reaching the server",
        "This Scope server is old ({version}): it does not say why a picture is missing, and keeps dead sessions for 31 s.",
        "Update Scope to 0.1.8 or later.",
        "`/health` names no version, or one before 0.1.8",
        "Spoken to in its own dialect; extra values go by the parameter channel.",
    ),
)

_LOADING: Final = (
    Trouble(
        "load-refused",
        "Loading the pipeline",
        "The server understands no form of the request to load ({detail}).",
        "Check scope.load_params; update Scope when it is older than this program.",
        "HTTP 400 or 422 to every body that any version takes",
        "Every version's body is tried before this is said.",
    ),
    Trouble(
        "no-pipeline",
        "Loading the pipeline",
        "The server has no pipeline loaded.",
        'Load one in Scope, or set scope.pipeline, such as "longlive".',
        'nothing is loaded and `scope.pipeline` is ""',
        _RETRY,
    ),
    Trouble(
        "unknown-pipeline",
        "Loading the pipeline",
        'The server has no pipeline "{pipeline}" for its hardware{detail}.',
        "It offers: {offered}. A machine without a GPU hides the large ones; a pod that came back without its GPU needs a new start.",
        "the load fails and `/pipelines/schemas` does not list it",
        _RETRY,
    ),
    Trouble(
        "load-failed",
        "Loading the pipeline",
        'The server could not load "{pipeline}"{detail}.',
        "Check that its models are downloaded and that it fits into the GPU's memory; the server's log says more.",
        "`error`, or `not_loaded` after the request",
        _RETRY,
    ),
    Trouble(
        "load-timeout",
        "Loading the pipeline",
        "The pipeline did not load within {seconds:g} s{detail}.",
        "Weights may still be downloading; raise scope.load_timeout_s, or restart Scope when its stage never changes.",
        "still `loading` after `scope.load_timeout_s`",
        _RETRY,
    ),
    Trouble(
        "foreign-pipeline",
        "Loading the pipeline",
        'Another client changed the pipeline (now "{pipeline}").',
        "Close Scope's page in other browsers; the pipeline of this show is loaded again.",
        "`/pipeline/status` names another pipeline or other parameters",
        "Loaded again as configured, then a new session.",
    ),
    Trouble(
        "unloaded",
        "Loading the pipeline",
        "The pipeline was unloaded on the server.",
        "It is loaded again; the server's log may say why.",
        "`not_loaded` or `error` while a session plays",
        "Loaded again, then a new session.",
    ),
    Trouble(
        "too-large",
        "Loading the pipeline",
        "{pipeline} wants about {wanted:g} GB of GPU memory, and the server has {there:g} GB.",
        'Set scope.load_params.quantization = "fp8_e4m3fn", a smaller size, or another scope.pipeline.',
        "the schema's estimate against `/hardware/info`",
        "Loaded anyway: estimates are careful.",
    ),
    Trouble(
        "mode",
        "Loading the pipeline",
        '"{pipeline}" knows no {wanted} mode; {other} is used.',
        'Set scope.input_mode = "{other}", or another scope.pipeline.',
        "the schema's modes",
        "The mode it knows is used.",
    ),
)

_PICTURE: Final = (
    Trouble(
        "offer-refused",
        "Getting a picture",
        "The server refused the state that the session should begin with{detail}.",
        "It is sent by the parameter channel instead; report this with your Scope version.",
        "HTTP 422 to the offer",
        "Offered again without it; the state follows by the channel.",
    ),
    Trouble(
        "no-pipeline-ids",
        "Getting a picture",
        "The server started a session without a pipeline.",
        "Set scope.pipeline to a pipeline the server lists.",
        'the log says "No pipeline IDs"',
        "`pipeline_ids` is always in the offer; a new session is made.",
    ),
    Trouble(
        "setup-failed",
        "Getting a picture",
        "The server could not set up the pipeline for this session.",
        "Its log says why; loading the pipeline again often helps, and is done.",
        'the log says "Pipeline setup failed"',
        "The pipeline is unloaded, loaded again, and a new session made.",
    ),
    Trouble(
        "recvonly",
        "Getting a picture",
        "The server's answer sends no video: it would never start its output.",
        "Something between here and Scope rewrites offers; connect to Scope directly.",
        "the answer's video line is `inactive` or `recvonly`",
        "Offers always run both ways, which every version needs.",
    ),
    Trouble(
        "vace-no-reference",
        "Getting a picture",
        "No picture within {seconds:.0f} s, with VACE switched on and no reference image.",
        "Set scope.load_params.vace_enabled = false, or give it a reference image.",
        "no first frame, VACE loaded, no `vace_ref_images` in the state",
        "The next session is offered without VACE.",
    ),
    Trouble(
        "vace-idle",
        "Getting a picture",
        "VACE is loaded, but there is no reference image and no input video for it.",
        "Set avatar.reference, or scope.load_params.vace_enabled = false: it costs memory and time.",
        "`scope.load_params.vace_enabled` in text mode, and no reference in the state",
        "The session is offered without VACE.",
    ),
    Trouble(
        "avatar-no-vace",
        "Getting a picture",
        '"{pipeline}" has no VACE, so it cannot hold a reference picture.',
        'Use one that has it, such as scope.pipeline = "longlive", or remove avatar.reference.',
        "`[avatar]` has a picture, and the schema says that the pipeline has no VACE",
        "It plays without the picture.",
    ),
    Trouble(
        "avatar-vace-off",
        "Getting a picture",
        "The pipeline is loaded without VACE, so it cannot hold a reference picture.",
        "Leave scope.load_params.vace_enabled out (the avatar loads VACE by itself), and set scope.pipeline.",
        "`[avatar]` has a picture, and the pipeline was loaded with `vace_enabled` false",
        "It plays without the picture.",
    ),
    Trouble(
        "no-input",
        "Getting a picture",
        "No picture: the pipeline waits for input video.",
        'Set scope.input_mode = "text", or check that the server receives the input frames.',
        "no first frame in video mode, and the server counts none made",
        _ANEW,
    ),
    Trouble(
        "no-frames",
        "Getting a picture",
        "No picture within {seconds:.0f} s of connecting, and the server gives no reason.",
        "Look into the server's log; restarting Scope helps when a pipeline hangs.",
        "no first frame; the server counts none made",
        "A new session; the second time the pipeline is unloaded and loaded again.",
    ),
    Trouble(
        "no-media",
        "Getting a picture",
        "The server answers over HTTP, but no media connection comes about.",
        "UDP is probably blocked: set a TURN server in scope.ice_servers or a token in [scope.turn].",
        "ICE does not connect, or fails",
        _ANEW,
    ),
    Trouble(
        "stale-turn",
        "Getting a picture",
        "No media connection comes about, and the only relay is the Scope server's, whose password has aged.",
        "Set a Hugging Face or Cloudflare token in [scope.turn], or restart the Scope server.",
        "ICE does not connect, or no frame arrives; the only relay is the server's, which is up for more than 10 minutes",
        _ANEW,
    ),
    Trouble(
        "no-relay",
        "Getting a picture",
        "The TURN server {server} gave no relay address: {detail}.",
        "Check host and port; where UDP is blocked, a turn:...?transport=tcp or turns: address helps.",
        "no relay candidate while gathering, and the TURN server's own answer to a question",
        "The next TURN server is tried; passwords that were fetched are fetched again.",
    ),
    Trouble(
        "turn-transport",
        "Getting a picture",
        "No TURN server is reached over {wanted}; {used} is used.",
        'Set scope.turn_transport = "auto", or name another server in scope.ice_servers.',
        "`scope.turn_transport` names one that no address has",
        "The best of the others is used.",
    ),
    Trouble(
        "media-lost",
        "Getting a picture",
        "The server makes frames, but none arrives here.",
        "UDP is probably blocked on the way back: set a TURN server in scope.ice_servers.",
        "no frame, and `session/metrics` counts frames out",
        _ANEW,
    ),
    Trouble(
        "not-an-answer",
        "Getting a picture",
        "The server's WebRTC answer cannot be used.",
        "Restart the Scope server; report this if it stays.",
        "the SDP does not fit the offer",
        _RETRY,
    ),
)

_PLAYING: Final = (
    Trouble(
        "bad-value",
        "While it plays",
        "The pipeline fails on every chunk, probably because of a value it was sent.",
        "The last values that worked are sent again; see the server's log for the name.",
        'frames stop, the log says "Error processing chunk"',
        "The last values that worked are sent; the suspects are not sent again until they change.",
    ),
    Trouble(
        "out-of-memory",
        "While it plays",
        "The GPU ran out of memory.",
        "Load a smaller size in scope.load_params, set quantization, or switch VACE off.",
        'frames stop, the log says "out of memory"',
        "The pipeline is really unloaded (by loading a small one), loaded again, and a new session made.",
    ),
    Trouble(
        "pipeline-dead",
        "While it plays",
        "The pipeline died on the server.",
        "It is unloaded and loaded again; if it dies again, restart Scope.",
        'frames stop, the log says "Non-recoverable error"',
        "As for out-of-memory.",
    ),
    Trouble(
        "session-gone",
        "While it plays",
        "The server makes no frames for this session any more.",
        "A new session is made.",
        "frames stop; `session/metrics` counts none out",
        _ANEW,
    ),
    Trouble(
        "stalled",
        "While it plays",
        "No frame for {seconds:.1f} s.",
        "The network or the GPU is too slow, or the server hangs; the session is made anew.",
        "silence longer than `scope.stall_s` and three chunks",
        "The state is sent again, then after `scope.lost_s` and six chunks a new session is made.",
    ),
    Trouble(
        "stream-ended",
        "While it plays",
        "The server ended the stream{detail}.",
        "A new session is made.",
        "`stream_stopped`, or the end of the video or of the channel",
        _ANEW,
    ),
    Trouble(
        "media-failed",
        "While it plays",
        "The media connection failed.",
        "A new session is made; look at the network when it happens again and again.",
        "ICE or DTLS failed",
        _ANEW,
    ),
    Trouble(
        "restarted",
        "While it plays",
        "The Scope server was restarted.",
        "The session is made anew.",
        "`server_start_time` changed",
        "Loaded again, then a new session with the whole state.",
    ),
    Trouble(
        "server-silent",
        "While it plays",
        "The picture runs, but the server's HTTP interface does not answer: {detail}",
        "Nothing to do while it plays; a new session needs it, so look at the network or the proxy.",
        "`/health` fails while frames arrive",
        "The session is kept.",
    ),
    Trouble(
        "queue-full",
        "While it plays",
        "The server throws parameters away: its queue of eight is full, and not by this show.",
        "Another client floods it (Scope's page with MIDI, its OSC or DMX input): close it.",
        'the log says "Parameter queue full" while the bridge has at most two messages under way',
        "The whole state is repeated when a session begins and after each change.",
    ),
    Trouble(
        "other-session",
        "While it plays",
        "Another session uses this server's GPU; its frames and parameters mix with ours.",
        "Close Scope's page in other browsers, or the other program; a session whose client died ends after 31 s.",
        "`session/metrics` lists a session that is not ours (it lists the eldest alone)",
    ),
)

CATALOGUE: Final = {row.code: row for row in (*_REACHING, *_LOADING, *_PICTURE, *_PLAYING)}
"""Code -> row, in the order of the chain."""


def diagnosis(code: str, *, told: str = "", **facts: Any) -> Diagnosis:
    """A trouble with its facts; ``told`` are the server's own words, put after the hint."""
    row = CATALOGUE[code]
    hint = row.hint.format(**facts)
    return Diagnosis(code, row.message.format(**facts), f"{hint} Log: {told}" if told else hint)


def trouble_error(kind: Callable[..., E], code: str, **facts: Any) -> E:
    """An error of ``kind`` that carries a trouble's code, message and hint."""
    found = diagnosis(code, **facts)
    return kind(found.message, hint=found.hint, code=code)
