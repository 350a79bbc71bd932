#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# `sessionctl top`, in a terminal of 80 by 24 and without one.

. "$(dirname "$0")/lib.sh"

expect 2 '--interval 0: expected seconds' "$sessionctl" --interval 0 top
expect 1 'no sessiond answers on' "$sessionctl" -C "$folder/none" top
expect 1 'no sessiond answers on' "$sessionctl" -C "$folder/none" top --once

start up -m socket -n 1000 7230 || finish
python3 - <<'END' &
import socket, struct, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
other.bind(("127.0.0.2", 0))
s.sendto(struct.pack(">BBH32s", 1, 0, 300, b"k") + b"value", ("127.0.0.1", 7230))
end = time.time() + 150
while time.time() < end:
    for key in b"k", b"k", b"k", b"n":
        s.sendto(struct.pack(">BBH32s", 1, 1, 0, key), ("127.0.0.1", 7230))
        other.sendto(struct.pack(">BBH32s", 1, 1, 0, key), ("127.0.0.1", 7230))
    time.sleep(0.02)
END
daemons="$daemons $!"
# Wait until it has begun, so that top does not see its NEW.
for _ in $(seq 100); do
	"$sessionctl" -C "$folder/up.sock" stats | grep -q '^get_hits [1-9]' && break
	sleep 0.1
done

# A busy machine may give the sender nothing for a second: five looks.
as_sent()
{
	expect 0 '' "$sessionctl" -C "$folder/up.sock" top
	cp "$folder/out" "$folder/top"
	grep -q 'mode socket' "$folder/top" &&
		grep -Eq '^hit ratio  7[0-9]\.[0-9] % now' "$folder/top" &&
		grep -Eq '^GET hit +[1-9]' "$folder/top" &&
		grep -Eq '^127\.0\.0\.1 +[1-9][0-9.]* +[0-9.]+ % +0 +0 +[45][0-9]\.. %$' "$folder/top"
}
json_as_sent()
{
	expect 0 '' "$sessionctl" -C "$folder/up.sock" --json top
	cp "$folder/out" "$folder/json"
	python3 - "$folder/json" <<-'END'
		import json, sys
		top = json.load(open(sys.argv[1]))
		assert top["daemon"] and top["figures"]["mode_socket"] == 1 and top["per_second"]["get_hits"] > 1
		assert top["contexts"][0]["sessions"] == 1
		# What 127.0.0.1 stored was given to itself, and to 127.0.0.2.
		maker, other = sorted(top["sources"], key=lambda row: row["source"])
		assert maker["source"] == "127.0.0.1" and other["source"] == "127.0.0.2"
		assert maker["sessions"] == 1 and maker["stored"] == 1 and maker["used"] == 1
		assert maker["home"] >= 1 and maker["elsewhere"] >= 1 and not other["home"] and not other["elsewhere"]
		for row in maker, other:
		    assert 0.6 < row["hits_per_second"] / row["gets_per_second"] < 0.9, row
	END
}
# five_looks FUNCTION
five_looks()
{
	for _ in 1 2 3 4 5; do
		"$1" && return
	done
	return 1
}
five_looks as_sent ||
	fail "top: not the mode, three hits in four GETs, and the source: $(cat "$folder/top")"
five_looks json_as_sent || fail "top --json: $(cat "$folder/json")"
LC_ALL=C grep -q "$(printf '\033')" "$folder/top" "$folder/json" && fail "escape sequences without a terminal"

cat >"$folder/terminal.py" <<'END'
import fcntl, os, pty, select, signal, struct, sys, termios, time

ROWS, COLUMNS = 24, 80

def run(name, end, steps):
    """Starts top in a terminal, presses the key of each step once the screen is as the step before
    wants it, ends top by `end`: returns its output, and the screen of each step."""
    pid, fd = pty.fork()
    if pid == 0:
        os.environ.update({"TERM": "xterm"})
        os.execv(sys.argv[1], [sys.argv[1], "-C", sys.argv[2], "top"])
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    out, since, screens, lines, complaint = b"", time.time(), [], [], "no output"
    while True:
        if time.time() - since > 40:
            os.kill(pid, signal.SIGKILL)
            print("\n".join(lines))
            raise SystemExit("%s, %d by %d: %s" % (name, COLUMNS, ROWS, complaint))
        if select.select([fd], [], [], 0.1)[0]:
            try:
                data = os.read(fd, 65536)
            except OSError:
                break
            if not data:
                break
            out += data
            continue
        if len(screens) == len(steps):
            complaint = "it does not end"
            continue
        try:
            lines = text_of(out[max(out.find(b"\x1b[?1049h"), 0):])
        except IndexError: # in the middle of a sequence
            continue
        complaint = steps[len(screens)][1](lines)
        if complaint:
            continue
        screens.append(lines)
        since = time.time()
        if len(screens) == len(steps):
            end(pid, fd)
        else:
            os.write(fd, steps[len(screens)][0].encode())
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code != 0:
        raise SystemExit("%s: exit code %d" % (name, code))
    return out, screens

def text_of(out):
    """The screen, as a terminal would show it at the end of the output."""
    screen = [[" "] * COLUMNS for _ in range(ROWS)]
    row = column = i = top = 0
    bottom = ROWS - 1
    text = out.decode("latin-1")
    while i < len(text):
        c = text[i]
        if c == "\x1b":
            if text[i + 1] == "[":
                j = i + 2
                while not ("@" <= text[j] <= "~"):
                    j += 1
                args, final = text[i + 2:j], text[j]
                number = [int(n) if n.isdigit() else 0 for n in args.split(";")]
                if final == "H":
                    row = max(number[0], 1) - 1
                    column = (number[1] if len(number) > 1 else 1) - 1
                elif final == "d":
                    row = max(number[0], 1) - 1
                elif final == "G":
                    column = max(number[0], 1) - 1
                elif final == "C":
                    column += max(number[0], 1)
                elif final == "D":
                    column -= max(number[0], 1)
                elif final == "A":
                    row -= max(number[0], 1)
                elif final == "B":
                    row += max(number[0], 1)
                elif final == "r":
                    top = max(number[0], 1) - 1
                    bottom = (number[1] if len(number) > 1 and number[1] else ROWS) - 1
                elif final in "LMST":
                    for _ in range(max(number[0], 1)):
                        first = row if final in "LM" else top
                        if final in "MS":
                            del screen[first]
                            screen.insert(bottom, [" "] * COLUMNS)
                        else:
                            del screen[bottom]
                            screen.insert(first, [" "] * COLUMNS)
                elif final == "J" and number[0] in (0, 2):
                    for r in range(row if number[0] == 0 else 0, ROWS):
                        for k in range(column if number[0] == 0 and r == row else 0, COLUMNS):
                            screen[r][k] = " "
                elif final == "K":
                    span = range(0, column + 1) if number[0] == 1 else range(column, COLUMNS)
                    for k in span:
                        screen[row][k] = " "
                elif final == "X":
                    for k in range(column, min(COLUMNS, column + max(number[0], 1))):
                        screen[row][k] = " "
                elif final == "b":
                    for k in range(max(number[0], 1)):
                        screen[row][column] = last
                        column += 1
                i = j + 1
            else:
                if text[i + 1] == "M" and row == top:
                    del screen[bottom]
                    screen.insert(top, [" "] * COLUMNS)
                elif text[i + 1] == "M":
                    row -= 1
                i += 3 if text[i + 1] in "()" else 2
            continue
        if c == "\r":
            column = 0
        elif c == "\n" and row == bottom:
            del screen[top]
            screen.insert(bottom, [" "] * COLUMNS)
        elif c == "\n":
            row += 1
        elif c == "\b":
            column -= 1
        elif c >= " ":
            if row >= ROWS or column >= COLUMNS:
                raise SystemExit("it writes outside of the terminal")
            screen[row][column] = last = c
            column += 1
        i += 1
    return ["".join(line).rstrip() for line in screen]

ways = {
    "q": lambda pid, fd: os.write(fd, b"q"),
    "Ctrl-C": lambda pid, fd: os.write(fd, b"\x03"),
    "SIGTERM": lambda pid, fd: os.kill(pid, signal.SIGTERM),
}

def quit(pid, fd):
    os.write(fd, b"q")

def capture(name, end, steps):
    """Prints the screen of each step."""
    out, screens = run(name, end, steps)
    leave = out.rfind(b"\x1b[?1049l")
    if leave < 0 or b"\x1b[?25h" not in out[out.find(b"\x1b[?25l"):]:
        raise SystemExit("%s: screen or cursor is not given back: %r" % (name, out[-200:]))
    for (key, _), lines in zip(steps, screens):
        print("%s, after %s, %d by %d:" % (name, key, COLUMNS, ROWS))
        print("\n".join(lines))

def has(*wanted):
    """A screen with all of these."""
    def complaint(lines):
        missing = [want for want in wanted if not any(want in line for line in lines)]
        return missing and "there is no %s on the screen" % missing[0]
    return complaint

mode, source, reason = sys.argv[4], sys.argv[3], sys.argv[5]

def main_page(lines):
    missing = has(source, "mode " + mode, "hit ratio", "GET hit", "session evicted", "dropped  ", "q quit")(lines)
    if missing:
        return missing
    sources = [i for i, line in enumerate(lines) if line.startswith("sources that send most")]
    beside = [line for line in lines if "dropped or refused  " in line]
    if len(sources) != 1 or bool(beside) != (COLUMNS >= 120):
        return "rows are missing, or drops"
    if COLUMNS >= 160 and not ("elsewhere" in lines[sources[0]] and "context" in lines[sources[0]][120:]):
        return "sources are alone"
    if mode != "socket":
        return None
    # As many sources as there is room for.
    shown = [line for line in lines[sources[0] + 1:] if line.startswith("127.0.0.")]
    if len(shown) != min(ROWS - 2 - sources[0], 31):
        return "%d sources" % len(shown)
    if beside and not any("drop_short" in line[80:] for line in lines):
        return "no drops beside"
    return None

def sorted_from(*first):
    """The sources by address, with these first."""
    def complaint(lines):
        at = [i for i, line in enumerate(lines) if line.startswith("sources by address")]
        if not at:
            return "sources are not sorted by address"
        for i, address in enumerate(first):
            if mode == "socket" and not lines[at[0] + 1 + i].startswith(address):
                return "no %s in row %d: %s" % (address, i, lines[at[0] + 1 + i])
        return None
    return complaint

# Each page at each size, in the mode of this daemon. A key leads to a page and back again. Sorted by
# address and scrolled down by one, the first source is gone.
only_socket = lambda *wanted: wanted if mode == "socket" else ()
for ROWS, COLUMNS in (24, 80), (50, 160), (60, 200):
    capture("keys", quit, [
        ("", main_page),
        ("h", has("sort sources by all requests", "drops and these stand beside")),
        ("d", has("dropped or refused, by reason", reason)),
        ("t", has("what became of their sessions", "elsewhere", *only_socket("127.0.0.1 "))),
        ("c", has("session id context", *only_socket("opaque"))),
        ("m", has("sources that send most")),
        ("s", sorted_from("127.0.0.1 ")),
        ("j", sorted_from("127.0.0.10 ")),
    ])
ROWS, COLUMNS = 24, 80
if mode != "socket":
    raise SystemExit(0)

for name, end in ways.items():
    capture(name, end, [("", has("mode socket", "hit ratio", "127.0.0.1"))])

# An unknown terminal type.
pid, fd = pty.fork()
if pid == 0:
    os.environ["TERM"] = "no-such-terminal"
    os.execv(sys.argv[1], [sys.argv[1], "-C", sys.argv[2], "top"])
out = b""
try:
    while True:
        out += os.read(fd, 4096)
except OSError:
    pass
if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) != 1 or b"use --once" not in out:
    raise SystemExit("an unknown terminal: %r" % out)

# top restores the terminal's mode.
master, slave = pty.openpty()
fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
before = termios.tcgetattr(slave)
for sign in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
    pid = os.fork()
    if pid == 0:
        os.environ["TERM"] = "xterm"
        for number in 0, 1, 2:
            os.dup2(slave, number)
        os.execv(sys.argv[1], [sys.argv[1], "-C", sys.argv[2], "top"])
    started, during = time.time(), before
    while during == before and time.time() - started < 10:
        if select.select([master], [], [], 0.1)[0]:
            os.read(master, 65536)
        during = termios.tcgetattr(slave)
    if during == before:
        raise SystemExit("top has never taken the terminal")
    os.kill(pid, sign)
    code = None
    while code is None:
        if select.select([master], [], [], 0.1)[0]:
            os.read(master, 65536)
        done, status = os.waitpid(pid, os.WNOHANG)
        code = os.waitstatus_to_exitcode(status) if done else None
    if code != 0 or termios.tcgetattr(slave) != before:
        raise SystemExit("signal %d: exit code %d, the terminal is %s" % (
            sign, code, "restored" if termios.tcgetattr(slave) == before else "left changed"))
END
if grep -q HAVE_NCURSES "$SESSIOND_BUILD/build.ninja"; then
	# More sources, and packets that are dropped.
	python3 - <<-'END' &
		import socket, struct, time
		all = []
		for i in range(31):
		    all.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
		    all[-1].bind(("127.0.0.%d" % (i + 1), 0))
		end = time.time() + 150
		while time.time() < end:
		    for s in all:
		        s.sendto(struct.pack(">BBH32s", 1, 1, 0, b"k"), ("127.0.0.1", 7230))
		    all[0].sendto(b"short", ("127.0.0.1", 7230))
		    time.sleep(0.3)
	END
	daemons="$daemons $!"
	timeout 150 python3 "$folder/terminal.py" "$sessionctl" "$folder/up.sock" 127.0.0.1 socket drop_short ||
		fail "top in a terminal"
	if "$sessiond" --check -m dpdk -l 10.0.0.1 -n 1000 --dpdk-args '--no-pci --no-huge' >/dev/null 2>&1; then
		start dpdk -m dpdk -l 10.0.0.1 -n 1000 --dpdk-args "-l 0 --no-pci --no-huge --no-shconf \
			--file-prefix top-$$ --vdev net_null0" || finish
		timeout 90 python3 "$folder/terminal.py" "$sessionctl" "$folder/dpdk.sock" 'hit ratio' dpdk \
			nothing || fail "top in a terminal, in dpdk mode"
	fi
fi
finish
