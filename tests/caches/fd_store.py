#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
"""fd_store.py FOLDER COMMAND...: runs a command as a service manager does, and keeps what it stores
(FDSTORE=1). Writes its pid to FOLDER/pid. If it ends and has stored something, waits for FOLDER/again
and runs it again with that. SIGTERM ends the command."""
import os
import signal
import socket
import sys
import time

folder, command = sys.argv[1], sys.argv[2:]
os.mkdir(folder)
server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
server.bind(folder + "/notify")
server.settimeout(0.05)
os.environ["NOTIFY_SOCKET"] = folder + "/notify"
kept = []


def run():
    pid = os.fork()
    if pid > 0:
        return pid
    if kept:
        os.dup2(kept[0], 3)
        os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES="sessions")
    os.execvp(command[0], command)


def receive():
    try:
        message, fds, _, _ = socket.recv_fds(server, 4096, 4)
    except socket.timeout:
        return False
    lines = message.decode().splitlines()
    if "FDSTORE=1" in lines:
        kept.extend(fds)
    else:
        if "FDSTOREREMOVE=1" in lines:
            while kept:
                os.close(kept.pop())
        for fd in fds:
            os.close(fd)
    return True


signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGTERM))
while True:
    child = run()
    with open(folder + "/pid.new", "w") as file:
        file.write(str(child))
    os.rename(folder + "/pid.new", folder + "/pid")
    while True:
        receive()
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid > 0:
            break
    while receive():
        pass
    os.unlink(folder + "/pid")
    if not kept:
        sys.exit(os.waitstatus_to_exitcode(status))
    while not os.path.exists(folder + "/again"):
        time.sleep(0.02)
    os.unlink(folder + "/again")
