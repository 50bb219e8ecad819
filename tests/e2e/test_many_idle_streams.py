"""Thousands of idle visitors on one agent, with nothing configured: none is refused, and a new one is
served as if they were not there."""

import random
import selectors
import socket
import threading

import pytest


class Echo:
    """An origin for thousands of connections: one thread for all."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self.port = self.listener.getsockname()[1]
        self.is_over = False
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        with selectors.DefaultSelector() as selector:
            selector.register(self.listener, selectors.EVENT_READ)
            while not self.is_over:
                for key, _ in selector.select(0.2):
                    self.serve(selector, key.fileobj)
            for key in list(selector.get_map().values()):
                key.fileobj.close()

    def serve(self, selector, sock):
        if sock is self.listener:
            selector.register(sock.accept()[0], selectors.EVENT_READ)
            return
        data = sock.recv(65536)
        if data:
            sock.sendall(data)
        else:
            selector.unregister(sock)
            sock.close()

    def stop(self):
        self.is_over = True
        self.thread.join()


def is_echoed(visitor, data=b"still here?"):
    visitor.send(data)
    return visitor.read_exact(len(data)) == data


@pytest.mark.limit(150)
@pytest.mark.parametrize("count", [pytest.param(2500, id="quick"),
                                   pytest.param(9000, id="long", marks=pytest.mark.long)])
def test_thousands_of_idle_visitors_and_a_new_one(lab, count):
    echo = Echo()
    try:
        tunnel = lab.tcp(f"127.0.0.1:{echo.port}")
        visitors = []
        for _ in range(count):  # one after the other: only so many may be dialled for at once
            visitors.append(lab.visit(tunnel))
            assert is_echoed(visitors[-1])
        fresh = lab.visit(tunnel)
        assert is_echoed(fresh, random.randbytes(60000))
        for visitor in random.sample(visitors, 100):
            assert is_echoed(visitor)
        assert not tunnel.agent.events("link", state="down")
    finally:
        echo.stop()
