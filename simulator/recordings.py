"""Recordings: real Ogg/Opus files holding nothing but silence, written from scratch."""

from __future__ import annotations

import struct
from functools import lru_cache

PACKETS_PER_SECOND = 50  # 20 ms each
SAMPLES_PER_PACKET = 960  # at the 48 kHz that Opus always counts in
SILENT_PACKET = b"\xf8\xff\xfe"  # CELT, mono, 20 ms
LAST_PAGE = 4
FIRST_PAGE = 2
SERIAL = 1


@lru_cache(maxsize=32)
def silence(seconds: int) -> bytes:
    """A playable file of that length (RFC 3533 pages, RFC 7845 headers)."""
    head = struct.pack("<8sBBHIhB", b"OpusHead", 1, 1, 0, 48000, 0, 0)
    vendor = b"simulator"
    tags = struct.pack("<8sI", b"OpusTags", len(vendor)) + vendor + bytes(4)
    pages = [
        _page([head], number=0, position=0, flags=FIRST_PAGE),
        _page([tags], number=1, position=0, flags=0),
    ]
    for second in range(seconds):
        position = (second + 1) * PACKETS_PER_SECOND * SAMPLES_PER_PACKET
        flags = LAST_PAGE if second == seconds - 1 else 0
        packets = [SILENT_PACKET] * PACKETS_PER_SECOND
        pages.append(_page(packets, number=second + 2, position=position, flags=flags))
    return b"".join(pages)


def _page(packets: list[bytes], *, number: int, position: int, flags: int) -> bytes:
    lacing = bytes(len(packet) for packet in packets)
    fields = (b"OggS", 0, flags, position, SERIAL, number, 0, len(lacing))
    page = struct.pack("<4sBBqIIIB", *fields) + lacing + b"".join(packets)
    return page[:22] + struct.pack("<I", _checksum(page)) + page[26:]


def _checksum(data: bytes) -> int:
    """CRC-32 as Ogg wants it: not reflected, so zlib's will not do."""
    crc = 0
    for byte in data:
        crc = ((crc << 8) & 0xFFFFFFFF) ^ _TABLE[(crc >> 24) ^ byte]
    return crc


def _table_entry(index: int) -> int:
    crc = index << 24
    for _ in range(8):
        crc = (crc << 1) ^ 0x04C11DB7 if crc & 0x80000000 else crc << 1
    return crc & 0xFFFFFFFF


_TABLE = [_table_entry(index) for index in range(256)]
