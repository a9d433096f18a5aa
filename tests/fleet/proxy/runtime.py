#!/usr/bin/env python3
"""Sends one line to HAProxy's runtime API and prints the answer: runtime.py SOCKET COMMAND"""

import socket
import sys

with socket.socket(socket.AF_UNIX) as admin:
    admin.settimeout(10)
    admin.connect(sys.argv[1])
    admin.sendall(sys.argv[2].encode() + b"\n")
    while answer := admin.recv(65536):
        sys.stdout.write(answer.decode())
