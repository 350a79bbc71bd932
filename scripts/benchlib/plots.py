# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
"""The plots: measured points as text, and SVGs that gnuplot draws from them."""
from .lab import LabError, run

# Offered load, requests per second.
RATES = (5000, 10000, 20000, 40000, 70000, 100000, 150000, 200000)

STYLE = """
set terminal svg size 860,480 font 'sans-serif,14' background '#ffffff'
set output '%s'
set grid
set key outside right top
set style data linespoints
set pointsize 0.6
"""

# How long stunnel waits, in microseconds.
DEADLINE = """
set arrow from graph 0, first 1000 to graph 1, first 1000 nohead linecolor 'black' linewidth 1.5
set label '1 ms: too late' at graph 0.02, first 1250
"""


def draw(path, script):
    gnuplot = path.with_suffix(".gnuplot")
    gnuplot.write_text(STYLE % path + script)
    try:
        run("gnuplot", gnuplot)
    except FileNotFoundError as error:
        raise LabError("gnuplot is not installed (package gnuplot-nox); the points are in %s" %
                       path.with_suffix(".dat")) from error
    finally:
        gnuplot.unlink()


def save(path, blocks):
    """One block per server, for gnuplot's `index`."""
    with open(path, "w") as out:
        for name, rows in blocks.items():
            out.write("# %s\n" % name)
            for row in rows:
                out.write(" ".join("%g" % n for n in row) + "\n")
            out.write("\n\n")


SIZES = (1000, 10000, 100000, 1000000, 4000000)


def sessions(lab, output):
    sizes = [n for n in SIZES if n <= lab.args.most_sessions]
    blocks = {}
    for name, start in (("xdp mode", lambda: lab.sessiond("xdp", sizes[-1])),
                        ("socket mode", lambda: lab.sessiond("socket", sizes[-1])),
                        ("classic", lambda: lab.classic(sizes[-1]))):
        if name == "xdp mode" and len(lab.sizes) == len(sizes):
            blocks[name] = sorted(lab.sizes.items())
            continue
        server = start()
        print("         %s" % name, flush=True)
        blocks[name] = []
        try:
            for size in sizes:
                lab.preload(server, size)
                result = lab.frames(server, "--sessions", size)
                blocks[name].append((size, result["replies_per_second"]))
        finally:
            server.stop()
    save(output / "sessions.dat", blocks)
    lines = ", ".join("'%s' index %d using 1:2 title '%s' linewidth 2" %
                      (output / "sessions.dat", i, name) for i, name in enumerate(blocks))
    draw(output / "sessions.svg", """
set title 'GETs answered, 144-byte values, uniform keys'
set logscale xy
set xlabel 'sessions in the cache'
set ylabel 'replies a second'
set format x '%.0s%c'
set format y '%.0s%c'
set yrange [10000:]
set xrange [700:6000000]
plot """ + lines + "\n")


WORKLOADS = {"get": (), "mix": ("--workload", "mix", "--mix", 0.8)}


def at_rates(lab, server, options):
    """A row per rate, up to the rate that the load's own CPU can make."""
    rows = []
    for rate in RATES:
        result = lab.sockets(server, "--sessions", 100000, "--rate", rate, "--ports", 8, *options)
        latency = result["latency_ns"]
        if result["behind_ns"] > 0.01e9 * result["seconds"] or not latency:
            break
        rows.append((rate, latency["p50"] / 1e3, latency["p99"] / 1e3, latency["p99.9"] / 1e3,
                     100 * result["late_or_lost"]))
    return rows


def over_rates(lab, workload):
    """Percentiles and the share of late or lost replies of each server, by offered load. Both plots
    use one measurement, so that a server is started and filled only once."""
    if not lab.rates:
        rates = {kind: {} for kind in WORKLOADS}
        for name, start in (("xdp mode", lambda: lab.sessiond("xdp", 4 * lab.args.sessions)),
                            ("socket mode", lambda: lab.sessiond("socket", 4 * lab.args.sessions)),
                            ("classic", lambda: lab.classic(4 * lab.args.sessions))):
            server = start()
            print("         %s" % name, flush=True)
            try:
                lab.preload(server, 100000)
                for kind, options in WORKLOADS.items():
                    rates[kind][name] = at_rates(lab, server, options)
            finally:
                server.stop()
        lab.rates = rates
    return lab.rates[workload]


def latency(lab, output):
    data = output / "latency.dat"
    blocks = over_rates(lab, "get")
    save(data, blocks)
    lines = ", ".join(
        "'%s' index %d using 1:%d title '%s %s' linewidth 2 linecolor %d dashtype %d" %
        (data, i, column, name, title, i + 1, column // 2)
        for i, name in enumerate(blocks)
        for column, title in ((2, "p50"), (4, "p99.9")))
    draw(output / "latency.svg", DEADLINE + """
set title 'GET latency from the time a request was due, 100k sessions'
set logscale y
set xlabel 'GETs a second offered'
set ylabel 'microseconds'
set xrange [0:]
set format x '%.0s%c'
plot """ + lines + "\n")


def mix(lab, output):
    data = output / "mix.dat"
    blocks = over_rates(lab, "mix")
    save(data, blocks)
    lines = ", ".join("'%s' index %d using 1:5 title '%s' linewidth 2" % (data, i, name)
                      for i, name in enumerate(blocks))
    draw(output / "mix.svg", """
set title 'TLS 1.3 mix, four of five connections resume: replies after 1 ms, or lost'
set xlabel 'GETs and NEWs a second offered'
set ylabel 'percent of replies'
set format x '%.0s%c'
set yrange [0:]
plot """ + lines + "\n")


PLOTS = {"plot-sessions": sessions, "plot-latency": latency, "plot-mix": mix}
