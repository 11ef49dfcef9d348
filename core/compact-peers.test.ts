import assert from "node:assert/strict";
import { test } from "node:test";

import { compactPeerLength, decodeCompactPeers, encodeCompactPeer } from "./compact-peers.ts";
import { InvalidArgumentError } from "./errors.ts";

test("compact peers are read as they were written, in both families", () => {
  const peers4 = [
    { host: "10.0.0.1", port: 6881 },
    { host: "255.255.255.255", port: 65535 },
  ];
  const peers6 = [
    { host: "2001:db8::1", port: 1 },
    { host: "::1", port: 256 },
  ];
  const encode = (peers: typeof peers4) =>
    Buffer.concat(peers.map((peer) => encodeCompactPeer(peer) ?? Buffer.alloc(0)));
  assert.deepEqual(decodeCompactPeers(encode(peers4), { family: 4, countMax: 10 }), peers4);
  assert.deepEqual(decodeCompactPeers(encode(peers6), { family: 6, countMax: 10 }), peers6);
});

test("encodeCompactPeer() has no form for a name", () => {
  assert.equal(encodeCompactPeer({ host: "seeder.example", port: 1 }), undefined);
});

test("decodeCompactPeers() refuses every length that is not whole peers", () => {
  for (const family of [4, 6] as const) {
    for (let length = 0; length < 60; length++) {
      const decode = () => decodeCompactPeers(Buffer.alloc(length, 1), { family, countMax: 100 });
      if (length % compactPeerLength(family) === 0) {
        assert.equal(decode().length, length / compactPeerLength(family));
      } else {
        assert.throws(decode, InvalidArgumentError);
      }
    }
  }
});

test("decodeCompactPeers() stops at its bound and leaves out peers without a port", () => {
  const many = Buffer.alloc(6 * 1000, 1);
  assert.equal(decodeCompactPeers(many, { family: 4, countMax: 50 }).length, 50);
  const portless = Buffer.from([10, 0, 0, 1, 0, 0]);
  assert.deepEqual(decodeCompactPeers(portless, { family: 4, countMax: 50 }), []);
});
