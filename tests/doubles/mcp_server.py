"""A real MCP server: ``python mcp_server.py stdio`` or ``… http PORT``."""

import sys

from mcp.server.mcpserver import MCPServer

server = MCPServer("double")


@server.tool()
def add(first: int, second: int) -> int:
    """Add two numbers."""
    return first + second


@server.tool()
def refuse() -> str:
    """Always fails."""
    raise ValueError("not today")


if __name__ == "__main__":
    if sys.argv[1] == "http":
        server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[2]))
    else:
        server.run("stdio")
