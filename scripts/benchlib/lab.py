# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
"""The laboratory of the benchmark: four lines to one host, a server at each, one load generator.

Line 1 carries sessiond's XDP program, line 2 the bare reflector, line 3 no program at all, for
servers behind the kernel's stack; line 4 is for dpdk mode. All are veth pairs of scripts/lab; the
load is made on the first CPU, servers run on the second.
"""
import contextlib
import json
import mmap
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

# Signals that end the run, once the laboratory is taken down.
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

PORT_SESSIOND = 54321
PORT_CLASSIC = 54322
PORT_ECHO = 54323
LINES = {"xdp": 1, "socket": 3, "dpdk": 4}
LINE_DPDK = LINES["dpdk"]


# With sched_autogroup, nice only counts within a session, so each process gets its own session with
# a raised priority. setsid does not fork here, because the process leads no group.
AHEAD = ("group=/proc/self/autogroup; [ ! -w $group ] || echo -20 >$group; "
         'exec nice -n -20 "$@"')


class LabError(Exception):
    pass


def run(*command, timeout=600, env=None):
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=timeout, env=env)
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise LabError("%s: %s" % (pathlib.Path(str(command[0])).name,
                                   lines[-1] if lines else "exit code %d" % done.returncode))
    return done.stdout


def run_to_end(command, timeout):
    """Runs a command that must clean up: if this process is interrupted, it terminates the command
    and waits for it. Returns its exit code and output."""
    with subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, text=True) as process:
        try:
            out, _ = process.communicate(timeout=timeout)
        except BaseException:
            process.terminate()
            process.communicate(timeout=60)
            raise
    return process.returncode, out


class Server:
    """A server process."""

    def __init__(self, lab, name, command, port, line, local=True):
        """`local`: it answers on the host's loopback."""
        self.lab, self.name, self.port, self.line = lab, name, port, line
        self.afterwards = None  # a function, called once it has ended
        self.filled = 0  # sessions that preload() has stored
        # dpdk mode places its threads itself: lcores as configured, other threads elsewhere.
        cpus = "%d,%d" % (lab.load_cpu, lab.server_cpu) if line == LINE_DPDK else lab.server_cpu
        self.command = lab.inside("cache", cpus, *command)
        self.log = open(lab.work / (name + ".log"), "w+")
        self.begin()
        lab.servers.append(self)
        self._wait(local)

    def begin(self):
        """Starts it; does not wait until it serves."""
        self.process = subprocess.Popen(self.command, stdout=self.log, stderr=subprocess.STDOUT,
                                        stdin=subprocess.DEVNULL)

    def end(self, number):
        """Ends it by a signal, to be started again."""
        self.process.send_signal(number)
        self.process.wait(120)

    def restart(self, number):
        self.end(number)
        self.begin()

    def output(self):
        """The last line of its log."""
        self.log.seek(0)
        text = self.log.read().strip().splitlines()
        return text[-1] if text else "no output"

    def _wait(self, local):
        """Waits until it answers on the host's loopback or, where it has none, on its line."""
        target, node = ("127.0.0.1:%d" % self.port, "cache") if local else (self.target, self.node)
        for _ in range(100):
            if self.process.poll() is not None:
                break
            try:
                self.lab.bench("--workload", "miss", "--count", 1, "--ports", 1, "--patience",
                               "50ms", target, node=node)
                return
            except LabError:
                time.sleep(0.1)
        text = self.output()
        self.stop()
        raise LabError("%s did not start: %s" % (self.name, text))

    @property
    def target(self):
        return "10.201.%d.1:%d" % (self.line, self.port)

    @property
    def node(self):
        return "t%d" % self.line

    def resident(self):
        """Resident bytes of its anonymous memory, including huge pages."""
        total = 0
        for line in open("/proc/%d/status" % self.process.pid):
            if line.startswith(("RssAnon:", "HugetlbPages:")):
                total += int(line.split()[1]) * 1024
        return total

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        time.sleep(1)  # the kernel frees maps in the background, on any CPU
        self.log.close()
        if self in self.lab.servers:
            self.lab.servers.remove(self)
        if self.afterwards:
            self.afterwards()

    def clean_stop(self):
        """The same, and removes the pins that --keep left."""
        self.stop()
        self.lab.remove_pins(self)


class Lab:
    def __init__(self, args):
        self.args, self.build = args, args.build.resolve()
        self.name = "bench%d" % os.getpid()
        cpus = sorted(os.sched_getaffinity(0))
        self.load_cpu, self.server_cpu = cpus[0], cpus[1]
        self.servers, self.processes, self.passing = [], [], set()
        self.spread = False  # what is started may use both CPUs
        self.rates = {}  # of plots.over_rates, for its second plot
        self.sizes = {}  # of costs.costs, for the plot: GETs/s of xdp mode by sessions
        self.pins = pathlib.Path("/sys/fs/bpf") / self.name
        self.work = None

    def __enter__(self):
        self.work = pathlib.Path(tempfile.mkdtemp(prefix=self.name))
        try:
            self._make()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _make(self):
        # Without the pass programs at the load's end: live frames attach their own there.
        run(ROOT / "scripts" / "lab", "up", self.name, 4, env=dict(os.environ, LAB_XDPPASS="none"))
        # Live frames need GRO at the other end if that has no XDP program.
        run(*self.inside("cache", None, "ethtool", "-K", "t3", "gro", "on"))
        run(*self.inside("cache", None, "ip", "link", "set", "dev", "t2", "xdpdrv", "object",
                         self.build / "tests/bench/reflect.bpf.o", "program", "reflect"))

    def __exit__(self, *_):
        for number in ENDING:
            signal.signal(number, signal.SIG_IGN)  # it is ending already
        self.stop_all()
        subprocess.run([str(ROOT / "scripts" / "lab"), "down", self.name], check=False)
        shutil.rmtree(self.pins, ignore_errors=True)
        shutil.rmtree(self.work, ignore_errors=True)
        shutil.rmtree(pathlib.Path("/var/run/dpdk") / self.name, ignore_errors=True)

    def inside(self, node, cpu, *command, ahead=True):
        # Servers, counterparts and timed load run at a high priority: otherwise another process that
        # runs for two milliseconds counts as a stall.
        if self.spread and cpu is not None:
            cpu = "%d,%d" % (self.load_cpu, self.server_cpu)
        pinned = [] if cpu is None else ["setsid", "sh", "-c", AHEAD if ahead else 'exec "$@"', "sh",
                                         "taskset", "-c", cpu]
        return [str(part) for part in
                ["nsenter", "--net=/run/netns/%s-%s" % (self.name, node), "--", *pinned, *command]]

    # Servers

    @staticmethod
    def touched(mebibytes):
        """Writes to so much free memory, and returns it, to be closed when a server needs it. A virtual
        machine gives free pages back to its host after two seconds. That stops its CPUs, and the first
        touch of a huge page takes milliseconds then. Neither is the server's."""
        memory = mmap.mmap(-1, mebibytes << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        memory.madvise(mmap.MADV_HUGEPAGE)
        for at in range(0, mebibytes << 20, 4096):
            memory[at] = 1
        return memory

    def stop_all(self):
        """Stops what a failed row left running, and removes its pins."""
        for server in list(self.servers):
            server.stop()
        for process in list(self.processes):
            self.end(process)
        shutil.rmtree(self.pins, ignore_errors=True)

    def sessiond(self, mode, capacity, port=PORT_SESSIOND, extra=()):
        line = LINES[mode]
        where = {"xdp": ["--interface", "t1", "--xdp-mode", "native", "--pin-dir", self.pins],
                 "socket": ["--threads", 1],
                 "dpdk": ["--listen", "10.201.4.1", "--dpdk-args",
                          "-l %d --no-huge --no-pci --file-prefix %s "
                          "--vdev net_af_packet0,iface=t4" % (self.server_cpu, self.name)]}[mode]
        if mode == "dpdk":  # the node's kernel must not answer
            run(*self.inside("cache", None, "ip", "address", "flush", "dev", "t4"))
        return Server(self, "sessiond-" + mode,
                      [self.build / "sessiond", "--mode", mode, "--capacity", capacity,
                       "--control", self.work / (mode + ".sock"), *where, *extra, port],
                      port, line, mode != "dpdk")

    def classic(self, capacity):
        return Server(self, "classic",
                      [self.build / "tests/bench/classic", "--capacity", capacity, PORT_CLASSIC],
                      PORT_CLASSIC, 3)

    def least_echo(self, sessions):
        """The limit of socket mode, which knows that many sessions from its start."""
        echo = Server(self, "echo", [self.build / "tests/bench/least_echo", sessions, PORT_ECHO],
                      PORT_ECHO, 3)
        echo.filled = sessions
        return echo

    def least_new(self, elements):
        """The limit of NEWs in xdp mode, with a map of so many elements."""
        line = LINES["socket"]
        node = "t%d" % line

        def summed_later(on):
            run(*self.inside(node, None, "ethtool", "-K", "cache", "tx", "on" if on else "off"))
        summed_later(False)  # its answers to sockets need requests with a whole checksum
        self._pass(node, True)
        server = Server(self, "least-new", [self.build / "tests/bench/least_new", node, elements],
                        PORT_SESSIOND, line, False)
        server.afterwards = lambda: summed_later(True)
        return server

    def elements(self, server):
        """Elements of the map of sessions."""
        pin = self.pins / str(server.port) / "sessions"
        return json.loads(run("bpftool", "--json", "map", "show", "pinned", pin))["max_entries"]

    def process(self, command):
        """Another server, on the server's CPU."""
        process = subprocess.Popen(self.inside("cache", self.server_cpu, *command),
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        self.processes.append(process)
        time.sleep(1)
        if process.poll() is not None:
            self.end(process)
            raise LabError("%s ended at once" % command[0])
        return process

    def end(self, process):
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self.processes.remove(process)

    def alternative(self, kind, port, sessions, *options):
        return json.loads(run(*self.inside(
            "t3", self.load_cpu, self.build / "tests/bench/alternatives", "--sessions", sessions,
            "--duration", self.args.seconds, *options, kind, port, "10.201.3.1")) or "{}")

    # Load

    def bench(self, *options, node="t1"):
        """Runs sessionbench; its exit code 1, wrong replies above all, is a LabError."""
        return json.loads(run(*self.inside(node, self.load_cpu, self.build / "sessionbench",
                                           "--quiet", "--json", *options)) or "{}")

    def start_bench(self, server, *options, ahead=True):
        """The same, without waiting for its end. `ahead`: at the priority of the servers, which a load
        needs whose replies are timed."""
        return subprocess.Popen(
            self.inside(server.node, self.load_cpu, self.build / "sessionbench", "--quiet",
                        "--json", *options, server.target, ahead=ahead),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def preload(self, server, sessions):
        """Stores the first `sessions` sessions, except those stored by an earlier call."""
        if sessions > server.filled:
            self._pass(server.node, True)
            self.store(server, "--sessions", sessions, "--first", server.filled)
            server.filled = sessions

    def store(self, server, *options):
        """Stores sessions over sockets. Uses several threads even on one CPU: one waits for the
        server while the others build and check. The classic server loses datagrams if more than one
        thread sends."""
        threads = 1 if server.name == "classic" else 4
        self.bench("--preload-only", "--threads", threads, *options, server.target,
                   node=server.node)

    def frames(self, server, *options, seconds=None):
        """Live frames at full rate on the server's line."""
        self._pass(server.node, False)
        return self.bench("--interface", "cache", "--no-preload", "--duration",
                          seconds or self.args.seconds, *options, server.target,
                          node=server.node)

    def sockets(self, server, *options, seconds=None):
        self._pass(server.node, True)
        return self.bench("--no-preload", "--duration", seconds or self.args.seconds, *options,
                          server.target, node=server.node)

    def reflector(self):
        """Frames at full rate to the bare reflector, and its program's time."""
        return self.bench("--interface", "cache", "--reflector", "--duration", self.args.seconds,
                          "--program-time", self.name + "-cache/t2", "10.201.2.1", node="t2")

    @contextlib.contextmanager
    def least(self, server):
        """Attaches the least program that answers from the server's map. Yields a function that measures
        its time, with the load's options."""
        node, line = "cache", "t%d" % LINES["socket"]
        pin = self.pins / "least"
        run("bpftool", "prog", "load", self.build / "tests/bench/least.bpf.o", pin, "type", "xdp",
            "map", "name", "sessions", "pinned", self.pins / str(server.port) / "sessions")
        try:
            run(*self.inside(node, None, "ip", "link", "set", "dev", line, "xdpdrv", "pinned", pin))
            self._pass(line, False)
            yield lambda *options: self.bench(
                "--interface", "cache", "--no-preload", "--duration", self.args.seconds, *options,
                "--program-time", "%s-cache/%s" % (self.name, line),
                "10.201.%d.1:%d" % (LINES["socket"], server.port),
                node=line)["program_ns"]
        finally:
            run(*self.inside(node, None, "ip", "link", "set", "dev", line, "xdpdrv", "off"))
            pin.unlink()

    def program_of(self, server):
        return ["--program-time", "%s-cache/t%d" % (self.name, server.line)]

    def passing_at(self, node):
        self._pass(node, True)

    def remove_pins(self, server):
        if (self.pins / str(server.port)).is_dir():
            run(*self.inside("cache", None, self.build / "sessionctl", "--pin-dir", self.pins,
                             "--port", server.port, "detach"))

    def _pass(self, node, on):
        """Attaches or detaches a program at the load's end that passes everything: without a
        program, that veth does not deliver frames that the other end's XDP program sends."""
        if on == (node in self.passing):
            return
        program = ["object", self.build / "tests/bench/reflect.bpf.o", "program", "pass"]
        run(*self.inside(node, None, "ip", "link", "set", "dev", "cache", "xdpdrv",
                         *(program if on else ["off"])))
        (self.passing.add if on else self.passing.discard)(node)
