# SPDX-License-Identifier: MIT
"""Who stands between a mail client and its server and meddles with what is not yet encrypted.

mail_meddler.py client PORT: put commands behind STARTTLS; they must not be obeyed.
mail_meddler.py behind|without|refused: be a server that puts an answer behind that of STARTTLS,
does not offer it, or refuses it; print the port. The client must say nothing more.
"""
import socket
import sys


def meddle_as_client(port):
    with socket.create_connection(("127.0.0.1", port), timeout=30) as peer:
        answers = peer.makefile("rb")
        assert answers.readline() == b"220 eddy\r\n"
        peer.sendall(b"EHLO meddler\r\n")
        assert answers.readline() == b"250-eddy\r\n"
        assert answers.readline() == b"250 STARTTLS\r\n"
        peer.sendall(b"MAIL FROM:<x@test>\r\n")
        assert answers.readline().startswith(b"530 ")
        peer.sendall(b"STARTTLS\r\nEHLO meddler\r\nMAIL FROM:<x@test>\r\n")
        assert answers.readline().startswith(b"554 ")
        assert answers.read() == b""


def meddle_as_server(lie):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        listener.settimeout(30)
        peer, _ = listener.accept()
    with peer:
        peer.settimeout(30)
        said = peer.makefile("rb")
        peer.sendall(b"220 meddler\r\n")
        assert said.readline().startswith(b"EHLO ")
        peer.sendall(b"250 meddler\r\n" if lie == "without" else b"250-meddler\r\n250 STARTTLS\r\n")
        if lie != "without":
            assert said.readline() == b"STARTTLS\r\n"
            peer.sendall(b"454 not now\r\n" if lie == "refused"
                         else b"220 go ahead\r\n250 whatever you say\r\n")
        assert said.read() == b"", "the client goes on"


if sys.argv[1] == "client":
    meddle_as_client(int(sys.argv[2]))
else:
    meddle_as_server(sys.argv[1])
