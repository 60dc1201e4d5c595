"""Files that point elsewhere."""

import struct
from pathlib import Path

PLAYLISTS = {
    "hls": b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n%s\n#EXT-X-ENDLIST\n",
    "concat": b"ffconcat version 1.0\nfile %s\n",
    "dash": b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" '
    b'profiles="urn:mpeg:dash:profile:isoff-live:2011"><Period><AdaptationSet>'
    b"<Representation><BaseURL>%s</BaseURL></Representation></AdaptationSet></Period></MPD>",
    "sdp": b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=%s\nc=IN IP4 127.0.0.1\nm=audio 5004 RTP/AVP 0\n",
    "pls": b"[playlist]\nFile1=%s\nNumberOfEntries=1\n",
}
"""By kind, with a place for the address."""


def with_external_reference(movie: bytes, path: str) -> bytes:
    """A movie whose samples lie in another file, by an alias record as QuickTime has it."""
    name = Path(path).name.encode()
    body = bytearray(150)
    body[4:6] = struct.pack(">H", 150)
    body[50] = len(name)
    body[51 : 51 + len(name)] = name
    target = path.encode() + (b"\0" if len(path) % 2 else b"")
    body += struct.pack(">HH", 2, len(path)) + target + struct.pack(">HH", 0xFFFF, 0)
    alias = struct.pack(">I4sI", 12 + len(body), b"alis", 0) + bytes(body)
    own = struct.pack(">I4sI", 12, b"url ", 1)
    assert own in movie
    start = movie.index(b"moov") - 4
    grown = bytearray(movie[start:].replace(own, alias))
    for box in (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"):
        at = grown.index(box) - 4
        size = int.from_bytes(grown[at : at + 4], "big") + len(alias) - len(own)
        grown[at : at + 4] = size.to_bytes(4, "big")
    return movie[: movie.index(b"mdat") - 4] + bytes(grown)
