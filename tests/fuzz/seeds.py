#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# seeds.py FOLDER STAMP: makes the seeds of all fuzz targets, FOLDER/TARGET/NAME, from the descriptions
# below.
import os
import struct
import sys

CLIENT4, SERVER4 = bytes([192, 0, 2, 99]), bytes([192, 0, 2, 1])
CLIENT6 = bytes.fromhex("20010db8000000000000000000000099")
SERVER6 = bytes.fromhex("20010db8000000000000000000000001")
MACS = bytes.fromhex("020000000001020000000099")
NEW, GET, REMOVE, TAKE = 0, 1, 2, 3


def message(key=b"A", type=GET, version=1, timeout=300, value=b""):
    return struct.pack(">BBH", version, type, timeout) + key * 32 + value


def udp(payload, sport=4711, dport=54321, length=0, check=0):
    return struct.pack(">HHHH", sport, dport, 8 + len(payload) + length, check) + payload


def ip4(payload, options=b"", proto=17, fragment=0x4000, source=CLIENT4, dest=SERVER4, length=0,
        ttl=64):
    ihl = 5 + len(options) // 4
    return struct.pack(">BBHHHBBH", 0x40 | ihl, 0, 4 * ihl + len(payload) + length, 7, fragment,
                       ttl, proto, 0) + source + dest + options + payload


def ip6(payload, next=17, extension=b"", source=CLIENT6, dest=SERVER6, length=0):
    return struct.pack(">IHBB", 6 << 28, len(extension) + len(payload) + length, next, 64) \
        + source + dest + extension + payload


def frame(packet, tags=(), macs=MACS):
    ethertype = 0x86DD if packet[0] >> 4 == 6 else 0x0800
    head = macs
    for kind in tags:
        head += struct.pack(">HH", kind, 100)
    head += struct.pack(">H", ethertype)
    body = head + packet
    # The last byte is odd: the target corrects the checksums.
    return body + bytes(max(0, 60 - len(body))) + b"\x01"


def packets():
    for key in b"ABCDEFZ":
        yield "get4_" + chr(key), frame(ip4(udp(message(bytes([key])))))
        yield "get6_" + chr(key), frame(ip6(udp(message(bytes([key])))))
    for trailing in (1, 3, 8, 64, 512, 548, 1300):
        yield f"trailing_{trailing}", frame(ip4(udp(message(value=bytes(range(256))[:1] * trailing))))
    for tags in ((0x8100,), (0x88A8, 0x8100), (0x8100, 0x8100)):
        yield f"tags_{len(tags)}_{tags[0]:x}", frame(ip4(udp(message())), tags)
        yield f"tags6_{len(tags)}_{tags[0]:x}", frame(ip6(udp(message())), tags)
    yield "new", frame(ip4(udp(message(b"N", NEW, value=b"v" * 144))))
    yield "new_empty", frame(ip4(udp(message(b"N", NEW))))
    yield "new_forever", frame(ip6(udp(message(b"N", NEW, timeout=65535, value=b"v" * 512))))
    yield "remove", frame(ip4(udp(message(type=REMOVE))))
    for key in b"ABCDEFZ":
        yield "take4_" + chr(key), frame(ip4(udp(message(bytes([key]), TAKE))))
        yield "take6_" + chr(key), frame(ip6(udp(message(bytes([key]), TAKE))))
    yield "take_trailing", frame(ip4(udp(message(type=TAKE, value=b"v" * 548))), (0x8100,))
    yield "take_options", frame(ip4(udp(message(type=TAKE)), b"\x01\x01\x01\x00"))
    for type in (4, 0x80, 0x81, 255):
        yield f"type_{type}", frame(ip4(udp(message(type=type))))
    yield "version_0", frame(ip4(udp(message(version=0))))
    yield "version_2", frame(ip6(udp(message(version=2))))
    for size in (0, 1, 35):
        yield f"short_{size}", frame(ip4(udp(message()[:size])))
    yield "options_nop", frame(ip4(udp(message()), b"\x01\x01\x01\x00"))
    yield "options_route", frame(ip4(udp(message()), b"\x83\x03\x04\x00"))
    yield "fragment_first", frame(ip4(udp(message()), fragment=0x2000))
    yield "fragment_later", frame(ip4(udp(message()), fragment=0x0010))
    for kind in (0, 43, 44, 60):
        yield f"extension_{kind}", frame(ip6(udp(message()), kind, b"\x11\0\x01\x04\0\0\0\0"))
        for type in (NEW, GET, REMOVE, TAKE):
            # Padding, the last segment, or an atomic fragment.
            yield f"extension_{kind}_type_{type}", frame(ip6(udp(message(type=type)), kind,
                                                             b"\x11" + bytes(7)))
    yield "extensions", frame(ip6(udp(message()), 0, b"\x3c" + bytes(7) + b"\x11" + bytes(7)))
    yield "udp_length_0", frame(ip6(udp(message(), length=-44)))
    yield "extension_udp_length_0", frame(ip6(udp(message(), length=-44), 60, b"\x11" + bytes(7)))
    yield "tcp", frame(ip4(udp(message()), proto=6))
    yield "other_port", frame(ip4(udp(message(), dport=54322)))
    yield "port_0", frame(ip4(udp(message(), sport=0)))
    yield "not_ours", frame(ip4(udp(message()), dest=bytes([192, 0, 2, 7])))
    for source in ((0, 0, 0, 0), (127, 0, 0, 1), (224, 0, 0, 1), (255, 255, 255, 255)):
        yield f"source_{source[0]}", frame(ip4(udp(message()), source=bytes(source)))
    yield "source6_any", frame(ip6(udp(message()), source=bytes(16)))
    yield "source6_loopback", frame(ip6(udp(message()), source=bytes(15) + b"\x01"))
    yield "source6_multicast", frame(ip6(udp(message()), source=b"\xff\x02" + bytes(14)))
    yield "to_all", frame(ip4(udp(message())), macs=b"\xff" * 6 + MACS[6:])
    yield "from_group", frame(ip4(udp(message())), macs=MACS[:6] + b"\x01\0\x5e\0\0\x01")
    for more in (-29, -1, 1, 20):
        yield f"ip_length_{more}", frame(ip4(udp(message()), length=more))
        yield f"ip6_length_{more}", frame(ip6(udp(message()), length=more))
        yield f"udp_length_{more}", frame(ip4(udp(message(), length=more)))
    yield "no_checksum", frame(ip4(udp(message())))[:-1] + b"\0"
    yield "ttl_0", frame(ip4(udp(message()), ttl=0))


def configurations():
    everything = """# every name
port = 54321
mode = xdp
interface = eth0
interface = eth1
xdp-mode = native
listen = 10.0.0.1
listen = [2001:db8::1]:443
allow = 10.0.0.0/8
allow = fd00::/8
capacity = 1000000
max-session = 512
remove = ignore
take = no
threads = 2
dpdk-args = "-l 1 --no-pci"
keep = yes
pin-dir = /sys/fs/bpf/sessiond
control = /run/sessiond/control.sock
log-level = debug
"""
    yield "everything", everything
    for i, line in enumerate(everything.splitlines()):
        yield f"line_{i:02}", line + "\n"
    for i, line in enumerate(("capacity = 0", "capacity = 99999999999", "capacity = -1",
                              "allow = 10.0.0.1/8", "allow = ::/129", "listen = [::1", "port = 65536",
                              "mode = fast", "= x", "nothing", "[section]", "keep", "capacity 5",
                              "allow = 1.2.3.4 # comment", "  threads = 3", "\tthreads=\t3\r")):
        yield f"odd_{i:02}", line + "\n"
    yield "arguments", "capacity = 5\n--\n-n\n100\n--mode\nsocket\n-t\n2\n54322\n"
    yield "arguments_long", "--\n--capacity=100\n--allow=10.0.0.0/8\n--listen\n*:1\n--keep\n"


def requests():
    key = "ab" * 32
    one = ["stats", "list", "show " + "00" * 32, "show " + "07", "remove " + "05" * 32, "take " + "06" * 32, "flush",
           "reload", "log-level debug", "log-level loud", "version", "ping", "", "nothing",
           "show", "show " + key, "show " + key + "00", "show xyz", "list all", "contexts", "sources",
           "list id=0a1 tls=1.3 context=0x0101", "remove source=10.0.0.0/8", "remove id=0 context=-"]
    for i, line in enumerate(one):
        yield f"one_{i:02}", line + "\n"
    yield "all", "\n".join(one) + "\n"
    yield "crlf", "\r\n".join(one) + "\r\n"
    yield "no_end", "stats"
    yield "long", "x" * 300 + "\n"
    yield "many", "ping\n" * 200
    yield "lists", "list\n" * 20
    yield "watch_late", "list\n" * 30 + "watch\n" + "list\n" * 3


def entry(what, key, slot, length, bit=0, life=200, raw=b""):
    return struct.pack(">BBBHHB", what, key, slot, length, bit, life) + raw


def maps():
    for length in (1, 7, 8, 144, 156, 157, 200, 512):
        yield f"whole_{length}", entry(1, 1, 1, length) + entry(1, 2, 2, length, 9)
        for what in (2, 4, 8, 0x20):
            yield f"damage_{what}_{length}", entry(what, 1, 1, length, 77) + entry(1, 2, 3, 20)
    yield "same_slot", entry(1, 1, 5, 200) + entry(1, 2, 5, 300) + entry(1, 3, 5, 20)
    yield "lengths", entry(1, 1, 1, 0) + entry(1, 2, 2, 513) + entry(1, 3, 66, 30)
    yield "expired", entry(1, 1, 1, 30, life=0)
    yield "raw", entry(0x10, 1, 1, 30, raw=b"\xff" * 200)
    yield "raw_zero", entry(0x10, 1, 1, 30)


def key_files():
    a, b = "1:" + "11" * 32 + "\n", "2:" + "22" * 32 + "\n"
    yield "one", a
    yield "two", b + "# a comment\n\n" + a
    yield "crlf", a.replace("\n", "\r\n")
    yield "no_end", a[:-1]
    for i, text in enumerate(("", "#", a + a, a + b + a, "1:" + "00" * 32, "0:" + "11" * 32,
                              "4294967296:" + "11" * 32, "1:" + "11" * 31, "1:" + "1g" * 32, ":")):
        yield f"odd_{i:02}", text


def client_configurations():
    yield "usual", "caches = 10.0.0.11, 10.0.0.12:7\nkey = /etc/sessiond/key\nscope = www\n"
    yield "all", ("caches = [::1]:9 10.0.0.1\ndeadline-us = 5000\ncopies = 2\nmax-session = 1400\n"
                  "lifetime = 60\nsingle-use = yes\nforward-remove = no\nno-tickets = yes\nlog = none\n")
    for i, line in enumerate(("", "[section]", "caches =", "caches = 0.0.0.0", "caches = 10.0.0.1 10.0.0.1",
                              "cashes = 1", "copies = -1", "copies = 3", "deadline-us = 1e9", "name",
                              "max-session = 1401", "lifetime = 0", "no-tickets = maybe", "n\x1bame = 1",
                              "caches = " + ",".join(f"10.0.0.{n}" for n in range(1, 20)))):
        yield f"odd_{i:02}", line + "\n" + "caches = 10.0.0.1\n" * (i % 2)


def replies():
    session = bytes.fromhex("3071020101020203040402130204")
    yield "sealed", b"\2"
    for bit in (0, 1, 5, 17, 100, 176):
        yield f"changed_{bit}", b"\2" + bytes(bit) + b"\1"
    yield "plain", b"\1" + session
    yield "raw", b"\0" + message(type=0x81, timeout=0x1234, value=session)
    yield "miss", b"\0" + message(type=0x80, timeout=0x1234)
    yield "short", b"\0" + message(type=0x81)[:35]


def tlv(tag, *parts):
    body = b"".join(parts)
    size = len(body)
    head = [size] if size < 0x80 else [0x81, size] if size < 0x100 else [0x82, size >> 8, size & 255]
    return bytes([tag, *head]) + body


def session(version=0x0304, cipher=0x1302, context=b"farm", more=b"", time=1700000000):
    """As OpenSSL 3 writes it."""
    return tlv(0x30, tlv(2, b"\1"), tlv(2, version.to_bytes(2, "big")), tlv(4, cipher.to_bytes(2, "big")),
               tlv(4, b"\xab" * 32), tlv(4, bytes(range(48))), tlv(0xa1, tlv(2, time.to_bytes(4, "big"))),
               tlv(0xa2, tlv(2, b"\1\x2c")), more, tlv(0xa4, tlv(4, context)), tlv(0xa5, tlv(2, b"\1")),
               tlv(0xb1, tlv(2, b"\0\xff")), tlv(0xb3, tlv(2, b"\0")))


def sessions():
    yield "tls13", session()
    yield "tls12", session(version=0x0303, cipher=0xc030)
    yield "tls11", session(version=0x0302, cipher=0xc013)
    yield "no_context", session(context=b"")
    yield "long_context", session(context=bytes(range(32)))
    yield "longer_context", session(context=bytes(range(33)))
    yield "certificate", session(more=tlv(0xa3, tlv(0x30, bytes(300))))
    yield "sealed", b"\xd1" + bytes(180)
    yield "cut", session()[:-1]
    yield "behind", session() + b"\0"


def records(*all):
    return b"".join(struct.pack(">BH", type, len(body)) + body for type, body in all)


def farm_entries():
    new, removed = b"k" * 32 + struct.pack(">I", 300) + b"v" * 144, b"k" * 32
    yield "records", b"\1" + records((1, new), (2, removed), (3, b""), (4, removed))
    yield "unknown", b"\1" + records((77, b"abc"), (1, new))
    yield "short_new", b"\1" + records((1, new[:35]))
    yield "short_remove", b"\1" + records((2, removed[:31]))
    yield "cut", b"\1" + records((1, new))[:-1]
    yield "hello", b"\1" + records((128, struct.pack(">QH", 7, 2) + b"\1a\2bc"))
    yield "hello_cut", b"\1" + records((128, struct.pack(">QH", 7, 3) + b"\1a\2bc"))
    yield "resend", b"\1" + records((129, bytes(16) + b"\1a"))
    head = struct.pack(">BBH4s16sIHHQQ32s", 1, 1, 1, b"", b"", 0, 0, 0, 1, 5, b"a")
    yield "entry", b"\0" + head + bytes(60)
    yield "entry_short", b"\0" + head + bytes(15)
    yield "entry_version", b"\0\2" + head[1:] + bytes(60)
    yield "entry_epoch", b"\0" + head[:24] + b"\1" + head[25:] + bytes(60)
    yield "sealed", b"\2\0\0"
    for at in (0, 1, 3, 5, 20, 39, 45, 72, 100, 150):
        yield f"changed_{at}", b"\2\0\0" + struct.pack(">HB", at, 1)
    yield "longer", b"\2\1\0"
    yield "shorter", b"\2\0\1"


def engine_replies():
    entry = b"*2\r\n$3\r\n5-1\r\n*2\r\n$1\r\nb\r\n$4\r\nabcd\r\n"
    yield "read", b"\xff*1\r\n*2\r\n$4\r\nsd:a\r\n*1\r\n" + entry
    yield "pieces", b"\1*1\r\n*2\r\n$4\r\nsd:a\r\n*1\r\n" + entry
    yield "many", b"\xff+OK\r\n:5\r\n$-1\r\n*-1\r\n-ERR no\r\n*0\r\n$0\r\n\r\n"
    yield "info", b"\xff*4\r\n$6\r\nlength\r\n:7\r\n$17\r\nlast-generated-id\r\n$3\r\n9-0\r\n"
    for i, lie in enumerate((b"*1000000000\r\n", b"*-7\r\n", b"$99999999999\r\n", b"$-7\r\n", b"hello",
                             b"*1\r\n" * 12, b"%1\r\n", b",1.5\r\n", b"#t\r\n", b"_\r\n", b"(1\r\n")):
        yield f"lie_{i:02}", b"\xff" + lie
    for i, url in enumerate((b"redis://h", b"rediss://u:p@h:1", b"unix:///a", b"redis://[::1]:1/0",
                             b"redis://:%40@h", b"unix://u:p@/a@b", b"redis://u:%4@h", b"http://h")):
        yield f"url_{i}", b"\0" + url


def main():
    folder, stamp = sys.argv[1:]
    for target, seeds in {"packet": packets(), "options": configurations(), "admin": requests(),
                          "adopt": maps(),
                          "key_file": key_files(), "reply": replies(),
                           "client_conf": client_configurations(),
                           "session": sessions(), "farm": farm_entries(),
                           "engine": engine_replies()}.items():
        os.makedirs(os.path.join(folder, target), exist_ok=True)
        for name, seed in seeds:
            with open(os.path.join(folder, target, name), "wb") as file:
                file.write(seed.encode() if isinstance(seed, str) else seed)
    with open(stamp, "w"):
        pass


main()
