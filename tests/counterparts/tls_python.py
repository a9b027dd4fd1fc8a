# SPDX-License-Identifier: MIT
"""One end of TLS by Python's ssl, with the options of tls_peer.c, as far as they are here."""
import argparse
import select
import socket
import ssl
import sys
import time

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("side", choices=("client", "server"))
    parser.add_argument("--port", type=int, default=0)
    for name in ("ca", "cert", "key", "alpn", "send", "get"):
        parser.add_argument("--" + name)
    parser.add_argument("--name", default="localhost")
    parser.add_argument("--min", choices=VERSIONS)
    parser.add_argument("--max", choices=VERSIONS)
    parser.add_argument("--await", type=int, default=0, dest="wanted")
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--verify", action="store_true")
    parser.add_argument("--slow", action="store_true")
    parser.add_argument("--vanish", action="store_true", help="end without a word in the middle")
    return parser.parse_args()


def make_context(options):
    server = options.side == "server"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    if options.ca:
        context.load_verify_locations(options.ca)
    if options.cert:
        context.load_cert_chain(options.cert, options.key)
    if options.alpn:
        context.set_alpn_protocols(options.alpn.split(","))
    if server and options.verify:
        context.verify_mode = ssl.CERT_REQUIRED
    if options.min:
        context.minimum_version = VERSIONS[options.min]
    if options.max:
        context.maximum_version = VERSIONS[options.max]
    return context


def exchange(peer, options, data):
    """Send and receive at once, as far as each goes; what was received."""
    peer.setblocking(False)
    position = 0
    received = bytearray()
    while position < len(data) or len(received) < options.wanted:
        waits = True
        if position < len(data):
            try:
                position += peer.send(data[position:position + 65536])
                waits = False
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                pass
        try:
            piece = peer.recv(65536)
            if not piece:
                break
            received += piece
            waits = False
            if options.slow:
                time.sleep(0.001)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass
        if options.vanish and position + len(received) > 1000000:
            sys.exit(0)
        if waits and not any(select.select([peer], [peer] if position < len(data) else [], [], 60)):
            raise TimeoutError("nothing moves")
    peer.settimeout(60)
    return bytes(received)


def meet(peer, options, data):
    print("ready", peer.version(), "resumed=%d" % peer.session_reused,
          "alpn=%s" % (peer.selected_alpn_protocol() or "none"), flush=True)
    received = exchange(peer, options, data)
    if options.get:
        with open(options.get, "wb") as file:
            file.write(received)
    session = peer.session if options.side == "client" else None
    peer.unwrap().close()
    print("over well received", len(received), flush=True)
    return session


def visit(options, context, data):
    session = None
    for _ in range(options.times):
        with socket.create_connection(("127.0.0.1", options.port), timeout=60) as plain:
            with context.wrap_socket(plain, server_hostname=options.name,
                                     session=session) as peer:
                session = meet(peer, options, data)


def serve(options, context, data):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print("port", listener.getsockname()[1], flush=True)
        while True:
            plain, _ = listener.accept()
            plain.settimeout(60)
            try:
                with context.wrap_socket(plain, server_side=True) as peer:
                    meet(peer, options, data)
            except OSError as error:
                print("failed", error, flush=True)


def main():
    options = parse()
    data = b""
    if options.send:
        with open(options.send, "rb") as file:
            data = memoryview(file.read())
    try:
        (serve if options.side == "server" else visit)(options, make_context(options), data)
    except OSError as error:
        print("failed", type(error).__name__, error)
        sys.exit(1)


main()
