# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
"""How long a daemon takes to start with the sessions of the last one."""
import signal
import time

from .admin import Admin
from .figure import Figure, count
from .lab import LabError

ADOPTED = 10000000
PATIENCE = 300  # seconds
MOST = 3        # rounds


def restarted(server, admin, sessions, number=signal.SIGTERM):
    """Seconds from the start of another daemon until it has adopted the sessions that the last one
    kept, and answers; sets the time that the last one took to end aside."""
    admin.close()
    server.end(number)
    began = time.monotonic()
    server.begin()
    while not admin.answers():
        if server.process.poll() is not None or time.monotonic() > began + PATIENCE:
            raise LabError("sessiond did not come back: %s" % server.output())
        time.sleep(0.005)
    took = time.monotonic() - began
    if admin.stat("sessions") < sessions:
        raise LabError("of %d sessions only %d were adopted" % (sessions, admin.stat("sessions")))
    return took


def start(lab):
    server = lab.sessiond("xdp", ADOPTED, extra=["--keep"])
    admin = Admin(lab.work / "xdp.sock")
    try:
        lab.preload(server, ADOPTED)
        rounds = [restarted(server, admin, ADOPTED) for _ in range(min(lab.args.rounds, MOST))]
    finally:
        admin.close()
        server.clean_stop()
    return [Figure("start and adoption of %s sessions, xdp mode" % count(ADOPTED), "s", rounds,
                   lower_is_better=True,
                   note="from the start of the process until its admin socket answers; the fast path "
                        "answers GETs all the time")]
