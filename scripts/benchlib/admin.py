# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
"""A persistent connection to the daemon's admin socket: starting a client for each request would
take more CPU time than the reply."""
import socket

from .lab import LabError


class Admin:
    def __init__(self, path):
        self.path, self.sock, self.rest = path, None, bytearray()
        self.asked = False

    def _connect(self):
        if self.sock is None:
            self.sock, self.rest = socket.socket(socket.AF_UNIX), bytearray()
            self.sock.settimeout(60)
            self.sock.connect(str(self.path))

    def close(self):
        if self.sock is not None:
            self.sock.close()
            self.sock, self.asked = None, False

    def send(self, line):
        """Sends a request without waiting for the reply."""
        self._connect()
        self.sock.sendall(line.encode() + b"\n")
        self.asked = True

    def reply(self):
        """The whole reply to the last request, unparsed."""
        while not (self.rest.endswith(b"\n.\n") or
                   self.rest.startswith(b"ERR") and self.rest.endswith(b"\n")):
            part = self.sock.recv(1 << 20)
            if not part:
                raise LabError("the daemon closed its admin socket")
            self.rest += part
        text, self.rest, self.asked = bytes(self.rest), bytearray(), False
        return text

    def pending(self):
        """Whether the reply has not started yet."""
        self.sock.setblocking(False)
        try:
            part = self.sock.recv(1 << 16)
            if not part:
                raise LabError("the daemon closed its admin socket")
            self.rest += part
            return False
        except BlockingIOError:
            return True
        finally:
            self.sock.settimeout(60)

    def ask(self, line):
        self.send(line)
        text = self.reply()
        if not text.startswith(b"OK"):
            raise LabError("%s: %s" % (line, text.decode(errors="replace").strip()))
        return text

    def stat(self, name):
        lines = self.ask("stats").decode().splitlines()
        return int(dict(line.split()[:2] for line in lines if " " in line)[name])

    def answers(self):
        """Whether the daemon answers."""
        try:
            self.ask("ping")
            return True
        except (OSError, LabError):
            self.close()
            return False
