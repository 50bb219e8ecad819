"""Raw bytes over TCP and Unix sockets: the client that speaks exactly what a test says, and the
origin that does exactly what its handler does."""

import os
import socket
import struct
import threading


def free_port():
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Head:
    """The head of a request or response as it stood on the wire."""

    def __init__(self, raw):
        self.raw = raw
        lines = raw.decode("latin-1").split("\r\n")
        self.start = lines[0]
        self.headers = [tuple(part.strip() for part in line.split(":", 1))
                        for line in lines[1:] if line]

    @property
    def status(self):
        return int(self.start.split(" ")[1])

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def get(self, name):
        values = self.all(name)
        return values[0] if values else None

    def names(self):
        return [key for key, _ in self.headers]


class Wire:
    """One connection. Reads are exact and end in EOFError; nothing is sent that was not asked."""

    def __init__(self, sock, seconds=20):
        self.sock = sock
        self.unread = b""
        sock.settimeout(seconds)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, data):
        self.sock.sendall(data)

    def send_chunk(self, data):
        self.send(b"%x\r\n%s\r\n" % (len(data), data))

    def half_close(self):
        self.sock.shutdown(socket.SHUT_WR)

    def reset(self):
        """Ends with RST instead of FIN."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self):
        self.sock.close()

    def wake(self):
        """Ends what another thread waits for here. Closing is left to that thread: a descriptor
        closed under a waiting thread may be somebody else's when it looks again."""
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def _more(self):
        data = self.sock.recv(1 << 16)
        self.unread += data
        return len(data) > 0

    def read_some(self):
        """At least one byte; empty at the end."""
        if not self.unread:
            self._more()
        data, self.unread = self.unread, b""
        return data

    def read_until(self, mark):
        while mark not in self.unread:
            if not self._more():
                raise EOFError(f"ended before {mark!r}, after {self.unread[-200:]!r}")
        data, self.unread = self.unread.split(mark, 1)
        return data + mark

    def read_exact(self, n):
        parts, got = [self.unread[:n]], min(n, len(self.unread))
        self.unread = self.unread[n:]
        while got < n:
            part = self.sock.recv(min(n - got, 1 << 18))
            if not part:
                raise EOFError(f"ended after {got} of {n} bytes")
            parts.append(part)
            got += len(part)
        return b"".join(parts)

    def read_to_end(self):
        while self._more():
            pass
        data, self.unread = self.unread, b""
        return data

    def read_head(self):
        return Head(self.read_until(b"\r\n\r\n"))

    def read_chunked(self):
        """A chunked body: (body, trailers)."""
        body = b""
        while True:
            size = int(self.read_until(b"\r\n").split(b";")[0], 16)
            if size == 0:
                break
            body += self.read_exact(size)
            assert self.read_exact(2) == b"\r\n"
        trailers = []
        while (line := self.read_until(b"\r\n")) != b"\r\n":
            trailers.append(line.decode().strip())
        return body, trailers

    def read_body(self, head):
        if "chunked" in (head.get("transfer-encoding") or ""):
            return self.read_chunked()[0]
        length = head.get("content-length")
        return self.read_to_end() if length is None else self.read_exact(int(length))

    def read_response(self):
        head = self.read_head()
        return head, self.read_body(head)


def connect(port, host="127.0.0.1"):
    sock = socket.create_connection((host, port), timeout=10)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return Wire(sock)


class Origin:
    """A server that runs handler(wire) in a thread for each connection and then closes it.

    An assertion that fails in a handler fails the test: see check().
    """

    def __init__(self, handler, unix_path=None, host="127.0.0.1"):
        self.handler = handler
        self.failures = []
        self.connection_count = 0
        self.wires = []
        if unix_path:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(str(unix_path))
            self.target = f"unix:{unix_path}"
        else:
            self.listener = socket.create_server((host, 0))
            self.port = self.listener.getsockname()[1]
            self.target = str(self.port)
        self.listener.listen(1024)
        self.accepting = threading.Thread(target=self._accept, daemon=True)
        self.accepting.start()

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.connection_count += 1
            wire = Wire(sock, seconds=60)
            self.wires.append(wire)
            threading.Thread(target=self._serve, args=(wire,), daemon=True).start()

    def _serve(self, wire):
        try:
            self.handler(wire)
        except (OSError, EOFError):
            pass  # the other side went away: tests look at that from their own end
        except BaseException as failure:  # pylint: disable=broad-except
            self.failures.append(failure)
        finally:
            wire.close()

    def check(self):
        if self.failures:
            raise self.failures[0]

    def stop(self):
        """Stops listening at once: from now on connections are refused."""
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.accepting.join(5)
        self.listener.close()
        for wire in self.wires:
            wire.wake()


def answer(body=b"hello\n", status="200 OK", headers=()):
    """The bytes of a plain response."""
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def http_origin(respond):
    """A handler that keeps the connection and calls respond(wire, head) for each request."""
    def handler(wire):
        while True:
            respond(wire, wire.read_head())
    return handler


def random_bytes(n):
    """n bytes that do not compress, cheap for large n."""
    block = os.urandom(min(n, 1 << 20))
    return (block * (n // len(block) + 1))[:n] if n else b""
