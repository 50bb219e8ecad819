"""The ways to the origins: each a port for HTTP, most also one for raw TCP, and the processes whose
CPU time is the price of it.

Peers are looked for in the folder PEERS_BIN, in PATH and where cargo puts them; what is not found
is named in the results as not available. `bench/run --install-peers` lets cargo install those it
has:

    cargo install --version 0.5.0 rathole
    cargo install --version 0.6.0 bore-cli
"""

import os
import shutil
import subprocess

from support.programs import wait_port
from support.wire import free_port

CARGO = {"rathole": ("rathole", "0.5.0"), "bore": ("bore-cli", "0.6.0")}
NOT_INSTALLABLE = ["frp", "chisel", "wstunnel"]  # by cargo: they have no part here yet
CIPHER = "TLS_AES_128_GCM_SHA256"


class Contender:
    """security is "plain" or "tls": what lies on the line between the two ends."""

    def __init__(self, name, security, processes, web_port, raw_port=None, host=None):
        self.name = name
        self.security = security
        self.processes = processes
        self.web_port = web_port
        self.raw_port = raw_port
        self.host = host or f"127.0.0.1:{web_port}"

    def url(self, path):
        return f"http://127.0.0.1:{self.web_port}/{path}"


class Origins:
    """nginx with the pages, and the load program's other end."""

    def __init__(self, lab, load):
        # As little work as nginx can have with a file, so that the origin hides no difference.
        self.web = lab.nginx(more="keepalive_requests 1000000000; sendfile on; tcp_nopush on; "
                                  "open_file_cache max=100;")
        (self.web.www / "1k").write_bytes(os.urandom(1 << 10))
        (self.web.www / "100k").write_bytes(os.urandom(100 << 10))
        self.raw_port = free_port()
        self.raw = lab.run_beside(load, "serve", self.raw_port)
        wait_port(self.raw, self.raw_port)
        self.processes = [self.web.process, self.raw]
        self.web_port = self.web.port


# -- haproxy

HAPROXY_HEAD = """
global
    nbthread 1
    maxconn 4000
defaults
    timeout connect 5s
    timeout client 60s
    timeout server 60s
"""

HAPROXY_LISTEN = """
listen {name}
    mode {mode}
    {reuse}
    bind 127.0.0.1:{port} {bind}
    server next 127.0.0.1:{to} {server}
"""


class Hop:
    """One haproxy. Its way for HTTP is in the mode asked for, its raw way always in TCP mode."""

    def __init__(self, lab, mode, towards, bind="", server=""):
        self.web_port, self.raw_port = free_port(), free_port()
        conf = lab.folder / f"haproxy-{self.web_port}.conf"
        conf.write_text(HAPROXY_HEAD + "".join(
            HAPROXY_LISTEN.format(name=name, mode=way, port=port, to=to, bind=bind, server=server,
                                  reuse="http-reuse always" if way == "http" else "")
            for name, way, port, to in (("web", mode, self.web_port, towards.web_port),
                                        ("raw", "tcp", self.raw_port, towards.raw_port))))
        self.process = lab.run_beside("haproxy", "-db", "-f", conf)
        wait_port(self.process, self.web_port)


def haproxies(lab, origins, pem):
    secure = {"bind": f"ssl crt {pem} ciphersuites {CIPHER}"}
    to_secure = {"server": f"ssl verify none ciphersuites {CIPHER}"}
    for mode in ("http", "tcp"):
        last = Hop(lab, mode, origins)
        first = Hop(lab, mode, last)
        raw = mode == "tcp"
        yield Contender(f"haproxy {mode}", "plain", [last.process], last.web_port,
                        raw and last.raw_port)
        yield Contender(f"haproxy {mode} x 2", "plain", [first.process, last.process],
                        first.web_port, raw and first.raw_port)
        last = Hop(lab, mode, origins, **secure)
        first = Hop(lab, mode, last, **to_secure)
        yield Contender(f"haproxy {mode} x 2, TLS between", "tls", [first.process, last.process],
                        first.web_port, raw and first.raw_port)


# -- peers

def ssh(lab, origins):
    sshd, web, raw = lab.sshd(), free_port(), free_port()
    client = lab.run_beside("ssh", "-N", "-c", "aes128-gcm@openssh.com", *sshd.client_options(),
                            "-p", sshd.port,
                            "-R", f"127.0.0.1:{web}:127.0.0.1:{origins.web_port}",
                            "-R", f"127.0.0.1:{raw}:127.0.0.1:{origins.raw_port}", sshd.address())
    wait_port(client, web)
    yield Contender("ssh -R", "tls", [sshd.process, client], web, raw)


def program(name):
    """Where the peer is; None if it is not to be had."""
    return shutil.which(name, path=os.pathsep.join(filter(None, (
        os.environ.get("PEERS_BIN"), os.environ.get("PATH"),
        os.path.expanduser("~/.cargo/bin")))))


def install_peers():
    for name, (crate, version) in CARGO.items():
        if not program(name):
            subprocess.run(["cargo", "install", "--version", version, crate], check=False)


RATHOLE_SERVER = """
[server]
bind_addr = "127.0.0.1:{control}"
default_token = "bench"
{transport}
[server.services.web]
bind_addr = "127.0.0.1:{web}"
[server.services.raw]
bind_addr = "127.0.0.1:{raw}"
"""

RATHOLE_CLIENT = """
[client]
remote_addr = "127.0.0.1:{control}"
default_token = "bench"
{transport}
[client.services.web]
local_addr = "127.0.0.1:{to_web}"
[client.services.raw]
local_addr = "127.0.0.1:{to_raw}"
"""

RATHOLE_TLS = {
    "server": '[server.transport]\ntype = "tls"\n[server.transport.tls]\n'
              'pkcs12 = "{folder}/bench.p12"\npkcs12_password = "bench"\n',
    "client": '[client.transport]\ntype = "tls"\n[client.transport.tls]\n'
              'trusted_root = "{folder}/bench.crt"\nhostname = "localhost"\n',
}


def rathole(lab, origins, security):
    """One connection for each visitor, out of a pool that the server keeps full."""
    ports = {"control": free_port(), "web": free_port(), "raw": free_port(),
             "to_web": origins.web_port, "to_raw": origins.raw_port}
    processes = []
    for side, text in (("server", RATHOLE_SERVER), ("client", RATHOLE_CLIENT)):
        transport = RATHOLE_TLS[side].format(folder=lab.folder) if security == "tls" else ""
        conf = lab.folder / f"rathole-{security}-{side}.toml"
        conf.write_text(text.format(transport=transport, **ports))
        processes.append(lab.run_beside("env", "RUST_LOG=error", program("rathole"), f"--{side}",
                                        conf))
        wait_port(processes[0], ports["control"])
    wait_port(processes[1], ports["web"])
    wait_port(processes[1], ports["raw"])
    yield Contender(f"rathole{', TLS' if security == 'tls' else ''}", security, processes,
                    ports["web"], ports["raw"])


def bore(lab, origins):
    """Has no encryption. Its control port cannot be chosen."""
    web, raw = free_port(), free_port()
    low = min(web, raw)
    server = lab.run_beside(program("bore"), "server", "--min-port", low)
    wait_port(server, 7835)
    clients = [lab.run_beside(program("bore"), "local", "--to", "127.0.0.1", "--port", port, to)
               for port, to in ((web, origins.web_port), (raw, origins.raw_port))]
    wait_port(clients[0], web)
    wait_port(clients[1], raw)
    yield Contender("bore", "plain", [server, *clients], web, raw)


def peers(lab, origins, missing):
    yield from ssh(lab, origins)
    if program("rathole"):
        yield from rathole(lab, origins, "plain")
        yield from rathole(lab, origins, "tls")
    else:
        missing.append("rathole")
    if program("bore"):
        yield from bore(lab, origins)
    else:
        missing.append("bore")
    missing += NOT_INSTALLABLE


# -- adit

ADIT_FILE = """
tunnels:
  web-{carrier}: {{target: "http://127.0.0.1:{web}"}}
  page-{carrier}: {{target: "tcp://127.0.0.1:{web}"}}
  raw-{carrier}: {{target: "tcp://127.0.0.1:{raw}"}}
"""


def adits(lab, origins, workers, carriers):
    """One agent for each carrier, with an HTTP and two TCP tunnels."""
    relay = lab.relay("--workers", workers, "--log-level", "warn")
    more = "" if workers == 1 else f", {workers} workers"
    for carrier in carriers:
        file = lab.folder / f"adit-{carrier}-{workers}.yml"
        file.write_text(ADIT_FILE.format(carrier=carrier, web=origins.web_port,
                                         raw=origins.raw_port))
        agent = lab.agent("up", file, relay=relay, carrier=carrier)
        web, page, raw = (lab.tunnel(agent, name=f"{kind}-{carrier}")
                          for kind in ("web", "page", "raw"))
        security = "tls" if carrier in ("tls", "wss") else "plain"
        both = [relay, agent]
        yield Contender(f"adit http, {carrier}{more}", security, both, web.port, host=web.host)
        yield Contender(f"adit tcp, {carrier}{more}", security, both, page.port, raw.port)


# -- all of them

def make_certificate(folder):
    """For the peers: bench.crt, bench.pem with the key, bench.p12."""
    key, crt = folder / "bench.key", folder / "bench.crt"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", crt, "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
                   check=True, capture_output=True)
    subprocess.run(["openssl", "pkcs12", "-export", "-inkey", key, "-in", crt, "-passout",
                    "pass:bench", "-out", folder / "bench.p12"], check=True, capture_output=True)
    pem = folder / "bench.pem"
    pem.write_bytes(crt.read_bytes() + key.read_bytes())
    return pem


def start(lab, origins):
    """All contenders, and the names of the peers that are not to be had here."""
    missing = []
    pem = make_certificate(lab.folder)
    found = [Contender("direct", "plain", [], origins.web_port, origins.raw_port),
             *haproxies(lab, origins, pem),
             *peers(lab, origins, missing),
             *adits(lab, origins, 1, ("tcp", "tls", "wss")),
             *adits(lab, origins, os.cpu_count(), ("tls",))]
    return found, missing
