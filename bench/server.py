# SPDX-License-Identifier: MIT
"""A contender that listens: started with a socket of ours, pinned to a processor, and stopped."""
import os
import shutil
import signal
import socket
import subprocess
import tempfile

SERVER_CPU = 0


class Failed(Exception):
    """A contender could not run; the text says why."""


def load_cpu():
    return os.cpu_count() - 1


def pin(cpu):
    return lambda: os.sched_setaffinity(0, {cpu})


class Server:
    """A contender that listens."""

    def __init__(self, bench, case, command, prefix=(), environment=None):
        self.folder = tempfile.mkdtemp(prefix="eddy-bench-")
        listener = self._listen(case)
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [*prefix, *command, case.socket, str(listener.fileno())],
            pass_fds=[listener.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=self.errors, env=environment or bench.environment,
            preexec_fn=pin(SERVER_CPU))
        listener.close()
        self.pid = self.process.pid

    def _listen(self, case):
        if case.socket == "unix":
            self.address = os.path.join(self.folder, "socket")
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(self.address)
        else:
            kind = socket.SOCK_DGRAM if case.socket == "udp" else socket.SOCK_STREAM
            inet6 = case.socket == "tcp6"
            listener = socket.socket(socket.AF_INET6 if inet6 else socket.AF_INET, kind)
            listener.bind(("::1" if inet6 else "127.0.0.1", 0))
            self.address = ("::1:" if inet6 else "") + str(listener.getsockname()[1])
        listener.setblocking(False)
        if case.socket in ("tcp", "tcp6"):
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if case.socket != "udp":
            listener.listen(4096)
        return listener

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def complaint(self):
        self.errors.seek(0)
        return self.errors.read().decode(errors="replace").strip()[-400:]
