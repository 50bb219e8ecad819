"""The real programs an agent stands in front of: nginx, OpenSSH, a WebSocket server; and curl."""

import asyncio
import getpass
import json
import os
import subprocess
import threading
from pathlib import Path

import websockets

from support.process import Process
from support.wire import free_port, connect

NGINX_CONF = """
daemon off;
master_process off;
error_log stderr warn;
pid {folder}/nginx.pid;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    types {{ text/html html; text/plain txt; application/octet-stream bin; }}
    client_max_body_size 0;
    server {{
        listen 127.0.0.1:{port} backlog=4096 {listen};
        root {folder}/www;
        {more}
    }}
}}
"""

SSHD_CONF = """
ListenAddress 127.0.0.1:{port}
HostKey {folder}/host_key
PidFile none
AuthorizedKeysFile {folder}/user_key.pub
StrictModes no
UsePAM no
PermitRootLogin yes
PasswordAuthentication no
Subsystem sftp internal-sftp
"""


def wait_port(process, port):
    """Until the port accepts; fails at once if the program ended instead."""
    for _ in range(200):
        assert process.is_running(), f"{process.name} ended: {process.popen.returncode}"
        try:
            connect(port).close()
            return
        except OSError:
            threading.Event().wait(0.05)
    raise AssertionError(f"{process.name} does not listen on {port}")


class Nginx:
    """Serves the files of self.www."""

    def __init__(self, folder, more="", listen=""):
        self.port = free_port()
        self.target = str(self.port)
        self.www = folder / "www"
        self.www.mkdir()
        conf = folder / "nginx.conf"
        conf.write_text(NGINX_CONF.format(folder=folder, port=self.port, more=more,
                                          listen=listen))
        self.process = Process("nginx", ["/usr/sbin/nginx", "-p", folder, "-c", conf], folder)
        wait_port(self.process, self.port)


class Sshd:
    """Lets the user of this test in with a key made for it."""

    def __init__(self, folder):
        self.folder = folder
        self.port = free_port()
        self.target = f"tcp://127.0.0.1:{self.port}"
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)  # its privilege separation folder
        for key in ("host_key", "user_key"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / key],
                           check=True)
        conf = folder / "sshd.conf"
        conf.write_text(SSHD_CONF.format(folder=folder, port=self.port))
        self.process = Process("sshd", ["/usr/sbin/sshd", "-D", "-e", "-f", conf], folder)
        wait_port(self.process, self.port)

    def client_options(self):
        return ["-F", "none", "-i", self.folder / "user_key", "-o", "BatchMode=yes",
                "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
                "-o", "LogLevel=ERROR"]

    def address(self):
        return f"{getpass.getuser()}@127.0.0.1"


class WebSocketServer:
    """Runs `async handler(websocket)` for each client, in an event loop of its own."""

    def __init__(self, handler):
        self.loop = asyncio.new_event_loop()
        started = threading.Event()

        async def serve():
            self.server = await websockets.serve(handler, "127.0.0.1", 0, max_size=None)
            self.port = self.server.sockets[0].getsockname()[1]
            self.target = str(self.port)
            started.set()

        def run():
            self.loop.run_until_complete(serve())
            self.loop.run_forever()

        threading.Thread(target=run, daemon=True).start()
        assert started.wait(10)

    def stop(self):
        async def close():
            self.server.close()
            await self.server.wait_closed()
        try:
            asyncio.run_coroutine_threadsafe(close(), self.loop).result(5)
        except TimeoutError:
            pass  # a client that does not answer its close
        self.loop.call_soon_threadsafe(self.loop.stop)


class CurlResult:
    def __init__(self, done, folder):
        self.exit_code = done.returncode
        self.trace = done.stderr.decode(errors="replace")
        self.body = (folder / "curl.body").read_bytes()
        self.facts = json.loads(done.stdout or b"{}")
        self.status = self.facts.get("http_code")
        raw = (folder / "curl.head").read_bytes()
        blocks = [block for block in raw.decode("latin-1").split("\r\n\r\n") if block]
        self.headers = [tuple(line.split(": ", 1)) for line in blocks[-1].split("\r\n")[1:]
                        if ": " in line] if blocks else []

    def get(self, name):
        return next((v for k, v in self.headers if k.lower() == name.lower()), None)

    def json(self):
        return json.loads(self.body)


def curl(folder, url, *options, check=True, seconds=30):
    """Runs curl; the result's status, headers, body and trace. Trusts any certificate."""
    for name in ("curl.body", "curl.head"):
        (folder / name).write_bytes(b"")
    command = ["curl", "-q", "-s", "-S", "-v", "-k", "--noproxy", "*", "--max-time", str(seconds),
               "-o", folder / "curl.body", "-D", folder / "curl.head", "-w", "%{json}",
               *options, url]
    done = subprocess.run([str(word) for word in command], capture_output=True, cwd=folder,
                          timeout=seconds + 10, check=False)
    result = CurlResult(done, folder)
    assert not check or done.returncode == 0, f"curl {url}: {result.trace}"
    return result
