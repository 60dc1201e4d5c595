"""The HTTP side that all services share, as pure ASGI (it sees WebSockets too)."""
