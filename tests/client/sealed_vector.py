#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# Makes sealed_vector.h from what client/seal.h says of the format, by other means than libsessiond:
# a wire key and a sealed value. Needs the module `cryptography`; no test runs it.
import hashlib
import hmac
import struct

from cryptography.hazmat.primitives.ciphers.aead import AESGCM


def mac(key, data):
    return hmac.new(key, data, hashlib.sha256).digest()


def expand(key, info, length):
    return mac(key, info + b"\x01")[:length]


def hkdf(key, info, length):
    return expand(mac(bytes(32), key), info, length)


key, scope, session = b"\x11" * 32, b"www", b"an id of a session, thirty-two.."
key_id, name, seal = (hkdf(key, use + b"\0" + scope, length) for use, length in
                      ((b"sessiond 1 id", 4), (b"sessiond 1 name", 32), (b"sessiond 1 seal", 32)))
wire_key = mac(name, session)
nonce = bytes(range(12))
prefix = b"\xd1" + key_id
beside = prefix + wire_key + struct.pack(">HB", 0x0304, 0)
value = prefix + nonce + AESGCM(expand(seal, wire_key, 32)).encrypt(nonce, b"the session", beside)
out = wire_key + value
print("/* SPDX-License-Identifier: BSD-2-Clause\n * Copyright (c) 2026 the sessiond authors\n *\n"
      " * By sealed_vector.py: a wire key and a sealed value. */\n/* clang-format off */")
for i in range(0, len(out), 12):
    print("\t" + " ".join(f"0x{b:02x}," for b in out[i:i + 12]))
