# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
"""The rows of libsessiond: nginx's handshakes through it, its look-ups beside those of httpd's other
caches, and what a dead cache costs."""
import array
import contextlib
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import time

from .figure import Figure, in_turn
from .lab import LabError, run

PORT = 7443  # of the first nginx
CAPACITY = 200000
THREADS = 16  # of the client: nginx always has a handshake to do
DEADLINE_US = 5000
MEMCACHED, REDIS = 21211, 26379
LINES = {"sessiond": 1, "other": 3}  # of the lab
MODULES = pathlib.Path("/usr/lib/apache2/modules")

# The XDP program runs within the sender's system call.
WOKEN = ("%d look-ups a round. The counterpart is a process that is woken for each; the load average of the "
         "machine was %.0f")

# Name, lines of nginx.conf, kind of certificate, what its clients do.
SERVERS = [
    ("sessiond", "sessiond 10.201.1.1:54321; sessiond_key {work}/key; sessiond_scope bench; "
     "sessiond_single_use on; ssl_session_cache none; ssl_session_tickets off;", "ec", "resumed"),
    ("its own shared cache", "ssl_session_cache shared:s:64m; ssl_session_tickets off;", "ec", "resumed"),
    ("shared tickets", "ssl_session_cache none; ssl_session_ticket_key {work}/tickets;", "ec", "resumed"),
    ("full handshakes, P-256", "ssl_session_cache none; ssl_session_tickets off;", "ec", "full"),
    ("full handshakes, RSA 2048", "ssl_session_cache none; ssl_session_tickets off;", "rsa", "full"),
]


def need(lab, *programs):
    for program in programs:
        if not shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin"):
            raise LabError("%s is not installed" % program)
    for built in ("tests/bench/handshakes", "tests/bench/dead_cache",
                  "client/nginx/ngx_http_sessiond_module.so"):
        if not (lab.build / built).exists():
            raise LabError("%s is not built" % built)


def secrets(lab, work):
    for name, kind in (("ec", ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]),
                       ("rsa", ["-newkey", "rsa:2048"])):
        run("openssl", "req", "-x509", *kind, "-nodes", "-subj", "/CN=bench", "-days", 1,
            "-keyout", work / (name + ".key"), "-out", work / (name + ".pem"))
    run(lab.build / "sessionctl", "key", "new", work / "key")
    (work / "tickets").write_bytes(os.urandom(80))


def start(lab, node, cpu, command, log, env=None):
    """A server in a node, on a CPU. Ended by lab.end."""
    env = dict(os.environ, LD_LIBRARY_PATH=str(lab.build / "client"), **(env or {}))
    with open(log, "w") as out:
        process = subprocess.Popen(lab.inside(node, cpu, *command), stdin=subprocess.DEVNULL,
                                   stdout=out, stderr=subprocess.STDOUT, env=env)
    lab.processes.append(process)
    return process


def listens(lab, node, process, port, log):
    for _ in range(100):
        if process.poll() is not None:
            break
        try:
            run(*lab.inside(node, None, "bash", "-c", "</dev/tcp/127.0.0.1/%d" % port))
            return
        except LabError:
            time.sleep(0.1)
    text = pathlib.Path(log).read_text().strip().splitlines()
    raise LabError("a server does not start: %s" % (text[-1] if text else "it says nothing"))


def cpu_ns(pid):
    return int(pathlib.Path("/proc/%d/schedstat" % pid).read_text().split()[0])


def handshakes(lab, node, port, kind, seconds, threads):
    return json.loads(run(*lab.inside(node, lab.load_cpu, lab.build / "tests/bench/handshakes",
                                      kind, port, seconds, threads)))


class Nginx:
    """One worker, on the server's CPU."""

    def __init__(self, lab, work, number):
        self.lab, self.port = lab, PORT + number
        self.name, lines, certificate, self.kind = SERVERS[number]
        self.folder = work / ("nginx%d" % number)
        self.folder.mkdir()
        temporary = " ".join("%s_temp_path %s/tmp;" % (kind, self.folder) for kind in (
            "client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        conf, log = self.folder / "nginx.conf", self.folder / "log"
        conf.write_text("""load_module %s;
            daemon off; user root; pid %s/pid; error_log stderr crit; worker_processes 1;
            events { worker_connections 1024; }
            http {
                access_log off; %s ssl_protocols TLSv1.3; %s
                ssl_certificate %s.pem; ssl_certificate_key %s.key;
                server { listen 127.0.0.1:%d ssl; return 200 ok; }
            }""" % (lab.build / "client/nginx/ngx_http_sessiond_module.so", self.folder, temporary,
                    lines.format(work=work), work / certificate, work / certificate, self.port))
        self.process = start(lab, "t1", lab.server_cpu, [
            shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin"), "-p", self.folder, "-c", conf,
            "-e", log], log)
        listens(lab, "t1", self.process, self.port, log)
        master = int((self.folder / "pid").read_text())
        children = pathlib.Path("/proc/%d/task/%d/children" % (master, master)).read_text().split()
        self.worker = int(children[0])
        self.cpu_us, self.shares, self.busy = [], [], []

    def measure(self):
        """Handshakes a second; remembers the CPU time of each."""
        before = cpu_ns(self.worker)
        result = handshakes(self.lab, "t1", self.port, self.kind, self.lab.args.seconds, THREADS)
        self.cpu_us.append((cpu_ns(self.worker) - before) / 1e3 / result["all"])
        self.shares.append(result["resumed"] / result["handshakes"])
        self.busy.append(self.cpu_us[-1] * result["handshakes"] / result["seconds"] / 1e4)
        if self.kind == "resumed" and self.shares[-1] < 0.99:
            raise LabError("%s: only %.1f %% were resumed" % (self.name, 100 * self.shares[-1]))
        return result["handshakes"] / result["seconds"]

    def taken(self):
        """The CPU times since the last call."""
        cpu, self.cpu_us = self.cpu_us, []
        return cpu


def place(server, cpu, policy):
    """All threads of a server."""
    run("taskset", "--all-tasks", "--cpu-list", "--pid", cpu, server.process.pid)
    run("chrt", "--all-tasks", "--" + policy, "--pid", 0, server.process.pid)


@contextlib.contextmanager
def elsewhere(lab, server):
    """A daemon on the client's CPU, where it takes its turn, but interrupts nobody."""
    place(server, lab.load_cpu, "batch")
    try:
        yield
    finally:
        place(server, lab.server_cpu, "other")


def by_nginx(lab, work):
    """Handshakes of one nginx worker. Nginx shares its CPU neither with the client nor with the cache's
    daemon, which a farm has on other hosts. Where the client's is the busier one, the CPU time a
    handshake tells more than the rate."""
    servers = [Nginx(lab, work, number) for number in range(len(SERVERS))]
    ours, rates, times = servers[0], [], []
    for other in servers[1:]:
        a, b = in_turn(lab, ours.measure, other.measure)
        note = ("nginx's worker was %.0f %% busy with ours and %.0f %% with the counterpart. With "
                "ours, the veth and the XDP program are on nginx's CPU too; the daemon, as SCHED_BATCH, is on "
                "the client's" % (
                    statistics.median(ours.busy[-len(a):]), statistics.median(other.busy)))
        rates.append(Figure("resumed TLS 1.3 handshakes/s, one nginx worker, sealed, single use", "/s", a,
                            peer=other.name, peers=b, note=note))
        times.append(Figure("CPU time of nginx for such a handshake", "µs", ours.taken(),
                            peer=other.name, peers=other.taken(), lower_is_better=True))
    for server in servers:
        lab.end(server.process)
    return rates + times


class Httpd:
    """httpd and its client on the load's CPU; the caches have the other one. mod_socache_timed has the
    time of each look-up, within httpd."""

    def __init__(self, lab, work, name, line, cache, module):
        self.lab, self.node, self.name = lab, "t%d" % line, name
        folder = work / name
        folder.mkdir()
        self.times, self.port, log = folder / "times", 7400, folder / "log"
        modules = ["mpm_event", "ssl", "authz_core"] + ([] if module else ["socache_" + name])
        lines = ["LoadModule %s_module %s/mod_%s.so" % (one, MODULES, one) for one in modules]
        if module:
            lines.append("LoadModule socache_sessiond_module %s" % module)
        (folder / "httpd.conf").write_text("\n".join(lines) + """
            LoadModule socache_timed_module %s
            ServerRoot %s
            ServerName bench
            PidFile %s/pid
            ErrorLog %s
            LogLevel crit
            DefaultRuntimeDir %s
            User nobody
            Group nogroup
            StartServers 1
            ServerLimit 1
            ThreadsPerChild 8
            MinSpareThreads 1
            MaxRequestWorkers 8
            Listen 127.0.0.1:%d
            SSLSessionCache timed:%s
            SSLSessionTickets off
            SSLProtocol -all +TLSv1.3
            SSLCertificateFile %s/ec.pem
            SSLCertificateKeyFile %s/ec.key
            SSLEngine on
            """ % (lab.build / "tests/bench/mod_socache_timed.so", folder, folder, log, folder, self.port,
                   cache, work, work))
        self.process = start(lab, self.node, lab.load_cpu, [
            "apache2", "-D", "FOREGROUND", "-f", folder / "httpd.conf"], log,
            {"SOCACHE_TIMES": str(self.times)})
        listens(lab, self.node, self.process, self.port, log)
        self.seen, self.rounds = 0, []

    def measure(self):
        """The median look-up in µs; remembers more."""
        result = handshakes(self.lab, self.node, self.port, "resumed", 3 * self.lab.args.seconds, 1)
        if result["resumed"] < 0.99 * result["handshakes"]:
            raise LabError("httpd with %s: only %d of %d were resumed" % (
                self.name, result["resumed"], result["handshakes"]))
        with open(self.times, "rb") as file:
            count = int.from_bytes(file.read(8), "little")
            file.seek(8 * (1 + self.seen))
            times = array.array("Q", file.read(8 * (count - self.seen)))
        self.seen = count
        ordered = sorted(times)
        self.rounds.append([ordered[int(len(ordered) * share)] / 1e3 for share in (0.5, 0.99, 0.999)])
        self.count = len(ordered)
        return self.rounds[-1][0]

    def taken(self):
        rounds, self.rounds = self.rounds, []
        return list(zip(*rounds))


def by_httpd(lab, work):
    need(lab, "apache2", "memcached", "redis-server")
    if not (lab.build / "tests/bench/mod_socache_timed.so").exists():
        raise LabError("tests/bench/mod_socache_timed.so is not built: apache2-dev is missing")
    work.chmod(0o755)
    figures = []
    ours = Httpd(lab, work, "sessiond", LINES["sessiond"],
                 "sessiond:10.201.1.1:54321?key=%s/key&scope=httpd" % work,
                 lab.build / "client/httpd/mod_socache_sessiond.so")
    for name, port, command, label in (
            ("redis", REDIS, ["redis-server", "--port", REDIS, "--save", "", "--appendonly", "no",
                              "--protected-mode", "no"], "Redis, mod_socache_redis"),
            ("memcache", MEMCACHED, ["memcached", "-u", "nobody", "-p", MEMCACHED, "-t", 1, "-m", 256],
             "memcached, mod_socache_memcache")):
        cache = lab.process(command)
        other = Httpd(lab, work, name, LINES["other"], "%s:10.201.3.1:%d" % (name, port), None)
        in_turn(lab, ours.measure, other.measure)
        for what, a, b in zip(("p50", "p99", "p99.9"), ours.taken(), other.taken()):
            figures.append(Figure("look-up within httpd's handshake, %s, sealed, xdp mode" % what, "µs",
                                  list(a), peer=label, peers=list(b), lower_is_better=True,
                                  note="" if what == "p50" else WOKEN % (ours.count, os.getloadavg()[0])))
        lab.end(other.process)
        lab.end(cache)
    lab.end(ours.process)
    return figures


def dead(lab, work):
    """A silent cache. The counterparts are constants: what is allowed."""
    rounds = [json.loads(run(*lab.inside("t1", lab.load_cpu, lab.build / "tests/bench/dead_cache",
                                         DEADLINE_US, 20, work / "key"), env=dict(
                                             os.environ, LD_LIBRARY_PATH=str(lab.build / "client"))))
              for _ in range(lab.args.rounds)]

    def of(name, scale=1.0):
        return [one[name] / scale for one in rounds]

    def allowed(value):
        return [value] * len(rounds)
    return [
        Figure("look-up, silent cache, until the breaker opens, median", "ms", of("waited_p50", 1e3),
               peer="the deadline (constant)", peers=allowed(DEADLINE_US / 1e3), lower_is_better=True),
        # What the machine adds to a plain wait is not the library's.
        Figure("look-up, silent cache, until the breaker opens, p99", "ms", of("waited_p99", 1e3),
               peer="a plain wait for the deadline, p99, + 2 ms",
               peers=[one + 2 for one in of("plain_p99", 1e3)], lower_is_better=True,
               note="the longest of %d took %.1f ms; of as many plain waits, %.1f ms" % (
                   sum(of("waited")), max(of("waited_max", 1e3)), max(of("plain_max", 1e3)))),
        Figure("look-up, silent cache, the longest, less what it waited for its CPU", "ms",
               of("waited_own_max", 1e3), peer="the deadline + 2 ms (constant)",
               peers=allowed(DEADLINE_US / 1e3 + 2), lower_is_better=True),
        Figure("look-up, open breaker, p99", "µs", of("open_p99"), peer="20 µs (constant)",
               peers=allowed(20), lower_is_better=True,
               note="the longest of %d took %.0f µs" % (sum(of("open")), max(of("open_max")))),
    ]


def clients(lab):
    need(lab, "nginx", "openssl")
    work = lab.work / "clients"
    work.mkdir()
    lab.work.chmod(0o755)
    secrets(lab, work)
    server = lab.sessiond("xdp", CAPACITY)
    try:
        lab.passing_at("t1")
        with elsewhere(lab, server):
            figures = by_nginx(lab, work)
        return figures + by_httpd(lab, work) + dead(lab, work)
    finally:
        for process in list(lab.processes):
            lab.end(process)
        server.stop()
        shutil.rmtree(work, ignore_errors=True)
