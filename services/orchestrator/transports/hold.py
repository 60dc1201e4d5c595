"""A connection's hold on a session: what tells it to let go, and what is posted to it."""

import asyncio
from dataclasses import dataclass, field

from shared.protocol.conversation import ConversationClientMessage

_MOST_POSTED = 64
"""Posted messages that may wait; one more makes its sender wait."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Given by ``routes.attachments``, for as long as a connection lasts."""

    ousted: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when another connection takes the session, or it is deleted."""
    inbox: asyncio.Queue[ConversationClientMessage] = field(
        default_factory=lambda: asyncio.Queue(_MOST_POSTED)
    )
    """Messages that came by HTTP."""
    left: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the connection is over and nothing of it holds a place any more."""
