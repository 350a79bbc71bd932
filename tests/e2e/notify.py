#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
"""notify.py SOCKET: prints the messages of a Type=notify service, one line each."""
import os
import socket
import sys

server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
server.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o777)
while True:
    for line in server.recv(4096).decode().splitlines():
        print(line, flush=True)
