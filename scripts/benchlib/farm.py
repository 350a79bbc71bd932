# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
"""The rows of a farm of caches: what replication costs GETs and NEWs, how soon a session is at the other
cache, how a cache warms up, and what is lost when something is killed.

Where GETs or NEWs arrive as fast as they can, the load has one CPU, and the caches and both engines, real
redis-servers, share the other one. For the rest all of them may use both. A machine with a core for each
does better wherever a CPU is busy; the notes say where."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time

from . import schedstat
from .admin import Admin
from .figure import Figure, count, in_turn
from .lab import PORT_SESSIOND, LabError, run
from .quiet import Quiet, Rounds

STORED = 100000   # sessions that GETs ask for
RATE = 20000      # GETs per second, for p99
ROOMY = 4         # times as many sessions as the large cache: nothing is evicted
LOADED = 100000   # NEWs per second during the lag under load
LAGS = 300        # sessions of which the lag is measured
LAG_SECONDS = 3
WARM = 1000000    # sessions of a warm-up
WATCH = 2000      # GETs per second meanwhile
WATCHED = 2.5     # seconds
KILLED = 50000    # sessions, at WITNESSED per second, while something is killed
WITNESSED = 20000
TOUCHED = 1024    # MiB of free memory, before a cache takes it
DOWN = 10         # seconds for which both engines are stopped
MOST = 3          # rounds of what takes long
PATIENCE = 60     # seconds
OTHER = PORT_SESSIOND + 20  # the port of the second cache
SHARED = "The cache and both engines share one CPU"
SPREAD = "Two caches, both engines and the load share two CPUs"
ALONE = "An lcore has one CPU; all else shares the other one"


def until(what, condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise LabError("never: " + what)
        time.sleep(0.02)


class Farm:
    """Two engines, and caches by mode."""

    def __init__(self, lab):
        self.lab, self.work = lab, lab.work / "farm"
        if not shutil.which("redis-server"):
            raise LabError("redis-server is not installed: scripts/setup --bench")
        if not (lab.build / "tests/caches/witness").exists():
            raise LabError("tests/caches/witness is not built: hiredis is missing")
        self.work.mkdir()
        run(lab.build / "sessionctl", "key", "new", self.work / "key")
        self.engines = [self.engine(name) for name in ("one", "two")]
        self.admins = {}

    def engine(self, name):
        return self.lab.process(["redis-server", "--port", 0, "--unixsocket", self.work / name, "--dir",
                                 self.work, "--save", "", "--appendonly", "no"])

    def off_lcore(self, on, *caches):
        """Keeps the load, the engines and these caches off the server's CPU, which an lcore has for
        itself."""
        lab = self.lab
        lab.spread = not on
        for pid in [engine.pid for engine in self.engines] + [cache.process.pid for cache in caches]:
            for task in pathlib.Path("/proc/%d/task" % pid).iterdir():
                os.sched_setaffinity(int(task.name),
                                     {lab.load_cpu} if on else {lab.load_cpu, lab.server_cpu})

    def pause(self, on):
        for engine in self.engines:
            engine.send_signal(signal.SIGSTOP if on else signal.SIGCONT)

    def forget(self):
        """Empties the engines."""
        self.pause(False)  # a row may have failed meanwhile
        for name in ("one", "two"):
            run("redis-cli", "-s", self.work / name, "FLUSHALL")

    def lines(self, node):
        return "".join("farm = unix://%s\n" % (self.work / name) for name in ("one", "two")) + \
            "farm-key = %s\nfarm-node = %s\n" % (self.work / "key", node)

    def write(self, mode, on):
        (self.work / (mode + ".conf")).write_text(self.lines(mode) if on else "")

    def cache(self, mode, capacity, on=True, port=PORT_SESSIOND):
        self.write(mode, on)
        server = self.lab.sessiond(mode, capacity, port,
                                   ["--user", "root", "--config", self.work / (mode + ".conf")])
        if mode != "dpdk":
            self.lab.passing_at(server.node)
        self.admins[mode] = Admin(self.lab.work / (mode + ".sock"))
        if on:
            self.ready(mode)
        return server

    def stat(self, mode, name):
        return self.admins[mode].stat(name)

    def ready(self, mode):
        until("%s is ready" % mode, lambda: self.stat(mode, "farm_warm_up_percent") == 100 and
              self.stat(mode, "farm_engines_up") == len(self.engines))

    def switch(self, mode, on):
        """Takes a running cache into the farm, or out of it."""
        self.write(mode, on)
        self.admins[mode].ask("reload")
        if not on:
            return
        self.ready(mode)
        self.settle(mode)

    def settle(self, mode):
        """Waits until nothing is published any more."""
        last = -1
        while last != self.stat(mode, "farm_published"):
            last = self.stat(mode, "farm_published")
            time.sleep(0.3)

    def stop(self, server, mode):
        self.admins.pop(mode).close()
        server.stop()

    def close(self):
        for admin in self.admins.values():
            admin.close()
        for server in list(self.lab.servers):
            server.stop()
        for engine in self.engines:
            if engine in self.lab.processes:
                engine.send_signal(signal.SIGCONT)
                self.lab.end(engine)
        shutil.rmtree(self.work, ignore_errors=True)

    def witness(self, *command):
        done = subprocess.run(self.lab.inside("t1", self.lab.load_cpu,
                                              self.lab.build / "tests/caches/witness", *command),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120)
        return done.returncode, done.stdout or done.stderr


def pairs(rounds):
    """Rounds of tuples as tuples of rounds."""
    return [list(values) for values in zip(*rounds)]


def gets(farm, mode):
    """GETs with and without a farm, of one daemon that reloads."""
    lab = farm.lab
    server = farm.cache(mode, lab.args.sessions, False)
    try:
        lab.preload(server, STORED)

        def measure(on):
            farm.switch(mode, on)
            rate = lab.frames(server, "--sessions", STORED, "--require-hits")["replies_per_second"]
            late = lab.sockets(server, "--sessions", STORED, "--rate", RATE)["served_ns"]
            return rate, late["p99"] / 1e3
        (rates, p99), (rates_off, p99_off) = map(pairs, in_turn(lab, lambda: measure(True),
                                                                lambda: measure(False)))
    finally:
        farm.stop(server, mode)
    return [Figure("GET/s in a farm, %s mode, 100k sessions" % mode, "/s", rates, peer="without a farm",
                   peers=rates_off),
            Figure("p99 of %s GET/s in a farm, %s mode" % (count(RATE), mode), "µs", p99,
                   peer="without a farm", peers=p99_off, lower_is_better=True,
                   note="without the time for which the load itself was held up")]


def threads(server):
    """CPU time of each thread, in ns, in the order of their start."""
    return [ran for ran, _ in schedstat.threads(server.process.pid).values()]


def news(farm):
    """NEWs at full rate into an empty cache. `writer`: which thread it is; it is the busiest one where
    there is no farm."""
    lab, capacity = farm.lab, ROOMY * farm.lab.args.sessions
    writer, passed, published = [], [], []

    def measure(on):
        server = farm.cache("xdp", capacity, on)
        try:
            before, stored = threads(server), farm.stat("xdp", "new_stored")
            result = lab.frames(server, "--workload", "new", "--sessions", capacity)
            if on:
                farm.settle("xdp")
            used = [now - then for now, then in zip(threads(server), before)]
            stored = farm.stat("xdp", "new_stored") - stored
            if not on:
                writer.append(used.index(max(used)))
            else:
                passed.append(farm.stat("xdp", "farm_passed"))
                published.append(farm.stat("xdp", "farm_passed") +
                                 farm.stat("xdp", "farm_drop_queue_full"))
            return (result["landed_per_second"], used[writer[0]] / max(stored, 1),
                    sum(used) / max(stored, 1))
        finally:
            farm.stop(server, "xdp")
            farm.forget()
    measure(False)  # which thread the writer is
    (rates, cpu, sums), (rates_off, cpu_off, sums_off) = map(pairs, in_turn(
        lab, lambda: measure(True), lambda: measure(False), most=MOST))
    return [Figure("NEW/s stored in a farm, xdp mode", "/s", rates, peer="without a farm", peers=rates_off,
                   note="%s, and with the writer, which has it alone without a farm; %.0f %% of the "
                        "NEWs found room in the queue to the farm's thread" % (
                            SHARED, 100 * sum(passed) / max(sum(published), 1))),
            Figure("the writer's CPU time for such a NEW", "ns", cpu, peer="without a farm",
                   peers=cpu_off, lower_is_better=True),
            Figure("CPU time of all threads of the cache for such a NEW", "ns", sums,
                   peer="without a farm", peers=sums_off, lower_is_better=True)]


def lag(farm):
    """From a NEW at one cache to a GET hit at the other."""
    lab = farm.lab
    lab.touched(TOUCHED).close()
    a, b = farm.cache("xdp", ROOMY * lab.args.sessions), farm.cache("socket", ROOMY * lab.args.sessions,
                                                                    port=OTHER)
    seed, rounds = [1000], Rounds()

    def once():
        seed[0] += 1
        quiet = Quiet()
        code, text = farm.witness("lag", "10.201.1.1", a.port, "10.201.1.1", b.port, "--count", LAGS,
                                  "--seed", seed[0])
        if code != 0:
            raise LabError(text)
        words = text.split()
        return (float(words[2]) / 1e3, float(words[4]) / 1e3), quiet.kept()

    def loaded():
        load = lab.start_bench(a, "--workload", "new", "--no-preload", "--rate", LOADED, "--duration",
                               LAG_SECONDS, ahead=False)
        time.sleep(0.3)
        try:
            return once()
        finally:
            load.communicate(timeout=PATIENCE)
    try:
        until("both are there", lambda: farm.stat("xdp", "farm_caches_alive") == 1)
        idle, busy = in_turn(lab, lambda: rounds.undisturbed(once), lambda: rounds.undisturbed(loaded))
    finally:
        farm.stop(a, "xdp")
        farm.stop(b, "socket")
        farm.forget()
    (p50, p99), (busy50, busy99) = pairs(idle), pairs(busy)
    return [Figure("NEW at one cache to a GET hit at the other, p50", "ms", p50, lower_is_better=True),
            Figure("NEW at one cache to a GET hit at the other, p99", "ms", p99, lower_is_better=True,
                   note=SPREAD),
            Figure("the same at %s NEW/s, p50" % count(LOADED), "ms", busy50, lower_is_better=True),
            Figure("the same at %s NEW/s, p99" % count(LOADED), "ms", busy99, lower_is_better=True,
                   note="; ".join(filter(None, (SPREAD, rounds.note()))))]


def watched(result):
    return result["served_ns"]["max"] / 1e6, result["latency_ns"]["max"] / 1e6


def warm_up(farm, mode):
    """A cache of this mode reads a million sessions while GETs arrive: the longest of them, and of as
    many GETs once it is warm. The engines are held until the load runs."""
    lab = farm.lab
    source = "socket" if mode == "xdp" else "xdp"
    a = farm.cache(source, WARM * 2, port=OTHER)
    speed, b, rounds = [], None, Rounds()
    if mode == "dpdk":
        farm.off_lcore(True, a)

    def load(server):
        return lab.start_bench(server, "--workload", "miss", "--no-preload", "--rate", WATCH,
                               "--duration", WATCHED)

    def quiet():
        return Quiet(b if mode == "dpdk" else None)

    def ended(process, since):
        out, error = process.communicate(timeout=PATIENCE)
        kept = since.kept()
        if process.returncode != 0:
            raise LabError(error.strip())
        return watched(json.loads(out)), kept

    def warm():
        since = quiet()
        return ended(load(b), since)

    def warming():
        nonlocal b
        if b:
            farm.stop(b, mode)
        farm.write(mode, False)
        memory = lab.touched(TOUCHED)
        b = farm.cache(mode, WARM * 2, False)
        farm.pause(True)
        try:
            farm.write(mode, True)
            farm.admins[mode].ask("reload")
            since = quiet()
            process = load(b)
            time.sleep(0.4)
        finally:
            memory.close()
            farm.pause(False)
        values = ended(process, since)
        farm.ready(mode)
        got = farm.stat(mode, "farm_warm_up_sessions")
        if got < WARM:
            raise LabError("only %d sessions were read" % got)
        speed.append(1e3 * got / farm.stat(mode, "farm_warm_up_ms"))
        return values
    try:
        lab.preload(a, WARM)
        farm.settle(source)
        (served, most), (served_off, most_off) = map(pairs, in_turn(
            lab, lambda: rounds.undisturbed(warming), lambda: rounds.undisturbed(warm), most=MOST))
    finally:
        if b:
            farm.stop(b, mode)
        farm.stop(a, source)
        farm.forget()
        if mode == "dpdk":
            farm.off_lcore(False)
    return [Figure("warm-up of 1M sessions, %s mode" % mode, "sessions/s", speed,
                   note=ALONE if mode == "dpdk" else SPREAD),
            Figure("longest GET during the warm-up, %s mode" % mode, "ms", served, peer="without a warm-up",
                   peers=served_off, lower_is_better=True,
                   note="%s GET/s. It leaves out the time for which the load itself was held up; with "
                        "that, the longest took %s ms, and without a warm-up %s ms. %s" % (
                            count(WATCH), " / ".join("%.1f" % ms for ms in most),
                            " / ".join("%.1f" % ms for ms in most_off),
                            "; ".join(filter(None, (ALONE if mode == "dpdk" else SPREAD, rounds.note())))))]


def lost(farm):
    """Sessions that were answered 100 ms before a kill, and are missing at the other cache."""
    lab, file = farm.lab, farm.work / "witness"
    lost_by = {"cache": [], "engine": [], "join": []}

    def missing(port, code, text):
        if "killed after" not in text:
            raise LabError(text)
        code, text = farm.witness("check", "10.201.1.1", port, file, "--count", KILLED)
        words = text.split()
        return int(words[1]) - int(words[words.index("hit") + 1])

    def store(a, pid):
        return farm.witness("store", "10.201.1.1", a.port, file, "--count", KILLED, "--rate", WITNESSED,
                            "--kill", pid, "--rest", 1)
    for _ in range(MOST):
        b = farm.cache("socket", lab.args.sessions, port=OTHER)
        a = farm.cache("xdp", lab.args.sessions)
        code, text = store(a, a.process.pid)
        lost_by["cache"].append(missing(b.port, code, text))
        farm.stop(a, "xdp")
        lab.remove_pins(a)
        farm.forget()
        farm.admins["socket"].ask("flush")
        # The same sessions again, and an engine is killed.
        a = farm.cache("xdp", lab.args.sessions)
        engine = farm.engines.pop(0)
        code, text = store(a, engine.pid)
        engine.wait()
        lab.processes.remove(engine)
        lost_by["engine"].append(missing(b.port, code, text))
        # A cache that joins has one engine to read from.
        farm.stop(b, "socket")
        b = farm.cache("socket", lab.args.sessions, port=OTHER)
        lost_by["join"].append(missing(b.port, code, text))
        farm.stop(a, "xdp")
        farm.stop(b, "socket")
        (farm.work / "one").unlink(missing_ok=True)
        farm.engines.insert(0, farm.engine("one"))
        farm.forget()
    note = "of the sessions that a GET had found 100 ms before the kill, under %s NEW/s" % count(WITNESSED)
    return [Figure("sessions lost: " + what, "sessions", lost_by[name], lower_is_better=True, note=note)
            for name, what in (("cache", "a cache is killed with -9"),
                               ("engine", "one of two engines is killed with -9"),
                               ("join", "a cache joins, with one engine left"))]


def engines_down(farm):
    """Both engines are stopped under load."""
    lab = farm.lab
    a = farm.cache("xdp", ROOMY * lab.args.sessions)

    def measure(down):
        before = a.resident()
        farm.pause(down)
        try:
            load = lab.start_bench(a, "--workload", "new", "--no-preload", "--rate", RATE // 2, "--duration",
                                   DOWN, ahead=False)
            result = lab.sockets(a, "--sessions", STORED, "--rate", WATCH, seconds=DOWN - 1)
            load.communicate(timeout=PATIENCE)
        finally:
            farm.pause(False)
        farm.ready("xdp")
        farm.settle("xdp")
        return (result["counters"]["late_served"] + result["counters"]["lost"],
                (a.resident() - before) / 2 ** 20)
    try:
        lab.preload(a, STORED)
        measure(False)  # touches what it needs
        (late, grown), (late_off, grown_off) = map(pairs, in_turn(
            lab, lambda: measure(True), lambda: measure(False), most=1))
    finally:
        farm.stop(a, "xdp")
        farm.forget()
    return [Figure("GETs late or lost while both engines are stopped for %d s" % DOWN, "GETs", late,
                   peer="while they run", peers=late_off, lower_is_better=True,
                   note="of %d, by the server alone, with %s NEW/s" % (WATCH * (DOWN - 1), count(RATE // 2))),
            Figure("resident memory that this takes more", "MiB", grown, peer="while they run",
                   peers=grown_off, lower_is_better=True)]


def farm(lab):
    figures = []

    def with_engines(spread, *rows):
        lab.spread = spread
        place = Farm(lab)
        try:
            for row in rows:
                figures.extend(row(place))
        finally:
            place.close()
            lab.spread = False
    with_engines(False, lambda place: gets(place, "xdp"), lambda place: gets(place, "socket"), news)
    with_engines(True, lag, *(lambda place, mode=mode: warm_up(place, mode)
                              for mode in ("xdp", "socket", "dpdk")), lost, engines_down)
    return figures
