"""Visitors and agents with foreign TLS (OpenSSL) at the relay's port."""

import hashlib
import os
import socket
import ssl
import subprocess

import pytest

from support.wire import answer, http_origin


def tls(port, version=None, alpn=("http/1.1",), session=None, context=None):
    """A connection whose end without close_notify is an error, as it should be."""
    if context is None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_alpn_protocols(list(alpn))
        if version:
            context.minimum_version = context.maximum_version = version
    raw = socket.create_connection(("127.0.0.1", port), timeout=10)
    return context.wrap_socket(raw, suppress_ragged_eofs=False, session=session)


def get(sock, host):
    sock.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    parts = []
    while part := sock.recv(65536):
        parts.append(part)
    return b"".join(parts)


@pytest.fixture
def web(lab):
    return lab.http(lab.origin(http_origin(lambda wire, head: wire.send(answer(b"secret page")))))


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_visitor_is_served_and_told_the_end(web, version):
    with tls(web.port, version) as visitor:
        assert visitor.selected_alpn_protocol() == "http/1.1"
        assert get(visitor, web.host).endswith(b"secret page")  # SSLEOFError without close_notify


def s_client_says(client, wanted):
    said = b""
    while wanted not in said:
        said += os.read(client.stdout.fileno(), 65536) or pytest.fail(f"ended after {said}")
    return said


def test_a_visitor_renews_its_keys_and_ours(web):
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{web.port}", "-tls1_3", "-crlf"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, bufsize=0) as client:
        s_client_says(client, b"---\nSSL handshake has read")
        for key in (b"k", b"K", b"K"):  # its own; and ours
            client.stdin.write(key + b"\n")
            s_client_says(client, b"KEYUPDATE")
            client.stdin.write(f"GET / HTTP/1.1\nHost: {web.host}\n\n".encode())
            s_client_says(client, b"secret page")
        client.kill()


each_cipher = pytest.mark.parametrize("cipher", [
    "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"])


@each_cipher
def test_much_passes_with_each_cipher(lab, cipher):
    page = os.urandom(5_000_000)
    web = lab.http(lab.origin(http_origin(lambda wire, head: wire.send(answer(page)))))
    done = lab.curl(f"https://127.0.0.1:{web.port}/", "-k", "-H", f"Host: {web.host}",
                    "--tls13-ciphers", cipher, "--tlsv1.3")
    assert hashlib.sha256(done.body).digest() == hashlib.sha256(page).digest()


@each_cipher
def test_much_passes_both_ways_between_new_keys(lab, cipher):
    """Keys change before and after the 1 MiB from which on AES may be another's work."""
    echo = http_origin(lambda wire, head: wire.send(answer(wire.read_body(head))))
    web = lab.http(lab.origin(echo))
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{web.port}", "-tls1_3",
               "-ciphersuites", cipher]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, bufsize=0) as client:
        s_client_says(client, b"---\nSSL handshake has read")
        for key in (None, b"K", b"k", None, b"K", b"k", b"K", None):
            if key:
                client.stdin.write(key + b"\n")
                s_client_says(client, b"KEYUPDATE")
            body = os.urandom(200_000).hex().encode()  # nothing that s_client takes for a command
            client.stdin.write(web.request("POST", "/", f"Content-Length: {len(body)}") + body)
            s_client_says(client, body)
        client.kill()


def test_older_versions_are_refused(web):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError):
        tls(web.port, context=context)


def test_a_visitor_that_comes_back_resumes(web):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with tls(web.port, context=context) as first:
        get(first, web.host)
        session = first.session
    with tls(web.port, context=context, session=session) as again:
        assert again.session_reused
        assert get(again, web.host).endswith(b"secret page")


def test_a_link_is_never_spoken_below_tls_13(web):
    with pytest.raises((ssl.SSLError, ConnectionError)):
        visitor = tls(web.port, ssl.TLSVersion.TLSv1_2, alpn=("adit/1",))
        assert visitor.recv(1)  # the alert, at the latest


def test_unknown_protocols_are_refused(web):
    with pytest.raises(ssl.SSLError, match="(?i)no.application.protocol"):
        tls(web.port, alpn=("h3",)).recv(1)


def test_a_broken_handshake_disturbs_nobody(web):
    for garbage in (b"\x16\x03\x01\x00\x05hello", b"\x16\x03\x01\xff\xff", b"\x16" * 300):
        with socket.create_connection(("127.0.0.1", web.port), timeout=10) as s:
            s.sendall(garbage)
            s.shutdown(socket.SHUT_WR)
            while s.recv(4096):
                pass
    with tls(web.port) as visitor:
        assert get(visitor, web.host).endswith(b"secret page")
