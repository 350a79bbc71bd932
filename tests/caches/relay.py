#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
"""relay.py FROM TO DELAY_MS BYTES_PER_SECOND: a long or narrow way to an engine.

Passes what arrives at the Unix socket FROM on to the Unix socket TO, and back, each way so many
milliseconds later, and answers no faster than so many bytes a second (0: no limit).
"""
import asyncio
import sys

CHUNK = 65536


async def read(reader, queue, delay):
    """Notes when each piece is due."""
    loop = asyncio.get_running_loop()
    while data := await reader.read(CHUNK):
        await queue.put((loop.time() + delay, data))
    await queue.put((0, b""))


async def write(queue, writer, rate):
    loop = asyncio.get_running_loop()
    free = 0.0
    while True:
        due, data = await queue.get()
        if not data:
            break
        while data:
            piece = data[:max(rate // 20, 1)] if rate else data
            await asyncio.sleep(max(due, free) - loop.time())
            if rate:
                free = max(free, loop.time()) + len(piece) / rate
            writer.write(piece)
            await writer.drain()
            data = data[len(piece):]
    writer.close()


async def serve(reader, writer, target, delay, rate):
    try:
        there, back = await asyncio.open_unix_connection(target)
    except OSError:
        writer.close()
        return
    out, answers = asyncio.Queue(4096), asyncio.Queue(4096)
    await asyncio.gather(read(reader, out, delay), write(out, back, 0),
                         read(there, answers, delay), write(answers, writer, rate),
                         return_exceptions=True)


async def main():
    at, target, delay, rate = sys.argv[1:5]
    server = await asyncio.start_unix_server(
        lambda r, w: serve(r, w, target, int(delay) / 1000, int(rate)), at)
    print("relays", flush=True)
    await server.serve_forever()


asyncio.run(main())
