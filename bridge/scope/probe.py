"""Asking a TURN server directly, because aioice keeps to itself why it got no relay address."""

from __future__ import annotations

__all__ = ["Refusal", "TurnProblem", "why_no_relay"]

import asyncio
import enum
import ssl
from dataclasses import dataclass
from typing import Final

from aioice import stun, turn

from bridge.scope.replies import IceServer
from bridge.scope.urls import IceUri

_QUOTA: Final = 486


class Refusal(enum.Enum):
    """What kind of trouble: wrong or aged password, used-up quota, no way there, or another answer."""

    LOGIN = "login"
    QUOTA = "quota"
    UNREACHABLE = "unreachable"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class TurnProblem:
    """Why a TURN server gives no relay address; ``text`` is the end of a sentence."""

    kind: Refusal
    text: str


async def why_no_relay(at: IceUri, server: IceServer, seconds: float) -> TurnProblem | None:
    """Ask for a relay address and give it back at once; None when that works within ``seconds``."""
    try:
        async with asyncio.timeout(seconds):
            transport, _ = await turn.create_turn_endpoint(
                asyncio.DatagramProtocol,
                server_addr=(at.host, at.port),
                username=server.username or None,
                password=server.credential or None,
                ssl=at.via == "tls",
                transport="udp" if at.via == "udp" else "tcp",
            )
            transport.close()
    except stun.TransactionFailed as error:
        code, reason = error.response.attributes.get("ERROR-CODE", (0, ""))
        if code in (401, 403, 441):
            return TurnProblem(Refusal.LOGIN, f"it refuses the password ({code})")
        if code == _QUOTA:
            return TurnProblem(Refusal.QUOTA, "its quota of relays is used up (486)")
        return TurnProblem(Refusal.OTHER, f"it refuses ({code} {str(reason)[:60]})".replace("\n", " "))
    except (TimeoutError, stun.TransactionTimeout):
        return TurnProblem(Refusal.UNREACHABLE, f"no answer over {at.via} within {seconds:g} s")
    except ssl.SSLCertVerificationError as error:
        return TurnProblem(Refusal.OTHER, f"its certificate is not accepted ({error.verify_message})")
    except (OSError, ConnectionError) as error:
        return TurnProblem(
            Refusal.UNREACHABLE, f"no connection over {at.via} ({error.strerror or type(error).__name__})"
        )
    return None
