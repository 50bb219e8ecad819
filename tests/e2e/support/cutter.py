"""A TCP relay of our own between agent and adit's relay, which can cut, silence and slow what goes
through it. Needs no rights: the quick form of a bad line (support/wan.py is the true one)."""

import asyncio
import socket
import struct
import threading

CHUNK_BYTES = 1 << 16
RST_ON_CLOSE = struct.pack("ii", 1, 0)


class Cutter:
    """Looks to an agent like the relay it stands before: url(), pin, data.

    All sockets live in one event loop of its own; the test only tells it what to do. With an
    SSLContext as tls it ends TLS, and speaks plainly to the relay.
    """

    def __init__(self, relay, tls=None):
        self.relay = relay
        self.writers = set()
        self.accepted = 0
        self.carried_bytes = 0
        self.cuts_left = 0
        self.cut_at = None
        self.refuses = False
        self.bytes_per_second = None
        self.loop = asyncio.new_event_loop()
        started = threading.Event()

        async def serve():
            self.passes = asyncio.Event()
            self.passes.set()
            self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=tls)
            self.port = self.server.sockets[0].getsockname()[1]
            started.set()

        def run():
            self.loop.run_until_complete(serve())
            self.loop.run_forever()

        self.thread = threading.Thread(target=run, daemon=True)
        self.thread.start()
        assert started.wait(10)

    def __getattr__(self, name):
        return getattr(self.relay, name)

    def url(self, carrier="tls"):
        return f"{carrier}://127.0.0.1:{self.port}"

    # -- what may happen to a line

    def cut(self):
        """Ends every connection with a reset, both sides; new ones pass."""
        self._do(self._cut)

    def cut_every(self, n, times):
        """Cuts `times` times, whenever n more bytes have passed."""
        self.cut_distance, self.cuts_left = n, times
        self.cut_at = self.carried_bytes + n

    def silence(self):
        """Nothing passes any more, nobody is told. New connections are as silent."""
        self._do(self.passes.clear)

    def speak(self):
        self._do(self.passes.set)

    def refuse(self, refuses=True):
        self.refuses = refuses

    def slow_down(self, bytes_per_second):
        self.bytes_per_second = bytes_per_second

    def stop(self):
        if self.loop.is_running():
            self._do(self._stop)
            self.thread.join(5)

    # -- the machinery

    def _do(self, what):
        done = threading.Event()
        self.loop.call_soon_threadsafe(lambda: (what(), done.set()))
        assert done.wait(5)

    def _cut(self):
        for writer in list(self.writers):
            reset(writer)

    def _stop(self):
        self._cut()
        self.server.close()
        self.loop.call_later(0.05, self.loop.stop)

    async def _serve(self, reader, writer):
        self.accepted += 1
        if self.refuses:
            reset(writer)
            return
        self.writers.add(writer)
        try:
            await self.passes.wait()
            there, out = await asyncio.open_connection(self.relay.host, self.relay.port)
        except OSError:
            reset(writer)
            self.writers.discard(writer)
            return
        both = {writer, out}
        self.writers |= both
        await asyncio.gather(self._carry(reader, out, both), self._carry(there, writer, both))
        for w in both:
            w.close()
        self.writers -= both

    async def _carry(self, reader, writer, both):
        try:
            while data := await reader.read(CHUNK_BYTES):
                await self.passes.wait()
                writer.write(data)
                await writer.drain()
                self.carried_bytes += len(data)
                if self.cuts_left and self.carried_bytes >= self.cut_at:
                    self.cuts_left -= 1
                    self.cut_at += self.cut_distance
                    self._cut()
                if self.bytes_per_second:
                    await asyncio.sleep(len(data) / self.bytes_per_second)
            await self.passes.wait()
            writer.write_eof()
        except OSError:
            await self.passes.wait()
            for w in both:
                reset(w)


def reset(writer):
    """Ends with RST instead of FIN, whatever was not yet sent."""
    sock = writer.get_extra_info("socket")
    if sock is not None and sock.fileno() >= 0:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RST_ON_CLOSE)
    writer.transport.abort()
