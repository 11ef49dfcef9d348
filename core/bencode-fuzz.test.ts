import assert from "node:assert/strict";
import { test } from "node:test";

import { type BencodeValue, decodeBencode, encodeBencode, isDictionary } from "./bencode.ts";
import { decodeCompactPeers, encodeCompactPeer } from "./compact-peers.ts";
import { InvalidArgumentError, MetainfoError } from "./errors.ts";
import { formatIp, parseIp } from "./ip-address.ts";
import { encodeMetainfo, parseMetainfo } from "./metainfo.ts";
import { blobFixture } from "./testing/blob-fixture.ts";
import { decoded, fuzz } from "./testing/fuzz.ts";

const { metainfo } = blobFixture(300_000);
const torrent = encodeMetainfo(metainfo, {
  announce: ["http://a/announce", "udp://b:6969"],
  peers: [{ host: "::1", port: 7080 }],
  webSeeds: ["http://seeder/v1/blobs"],
});
const deepest = "l".repeat(9) + "e".repeat(9);
const small = [
  deepest,
  "i0e",
  "i-42e",
  "0:",
  "5:shoal",
  "le",
  "li1e2:abe",
  "de",
  "d1:ai1e1:bl1:celee",
];

test("any bytes are bencode that is written in that one way, or none", () => {
  const valid = [...small.map((text) => Buffer.from(text)), torrent];
  fuzz({ seed: 1_000_000, count: 20_000, valid }, (input) => {
    const value = decoded(() => decodeBencode(input), [InvalidArgumentError]);
    if (value !== undefined) assert.deepEqual(rendered(value, 0), input);
  });
});

/** Bencode of a value with its keys in the order in which they came. */
function rendered(value: BencodeValue, depth: number): Buffer {
  assert.ok(depth <= 8);
  if (typeof value === "number" || value instanceof Uint8Array) return encodeBencode(value);
  const parts = isDictionary(value)
    ? [...value].flatMap(([key, item]) => [Buffer.from(key, "latin1"), item])
    : [...value];
  const kind = Buffer.from(isDictionary(value) ? "d" : "l");
  return Buffer.concat([kind, ...parts.map((part) => rendered(part, depth + 1)), Buffer.from("e")]);
}

test("any bytes are metainfo of one blob whose info hash is its own, or none", () => {
  fuzz({ seed: 1_100_000, count: 10_000, valid: [torrent, encodeMetainfo(metainfo)] }, (input) => {
    const found = decoded(() => parseMetainfo(input), [MetainfoError]);
    if (!found) return;
    assert.equal(found.pieceHashes.byteLength, found.layout.pieceCount * 20);
    assert.deepEqual(parseMetainfo(encodeMetainfo(found)), found);
  });
});

test("any bytes are peers that read back as they were, or none", () => {
  const valid = ["10.0.0.1", "2001:db8::1"].map(
    (host) => encodeCompactPeer({ host, port: 7080 }) ?? Buffer.alloc(0),
  );
  fuzz({ seed: 1_200_000, count: 6000, valid }, (input, draw) => {
    const family = draw(2) ? 4 : 6;
    const countMax = draw(30);
    const decode = () => decodeCompactPeers(input, { family, countMax });
    const peers = decoded(decode, [InvalidArgumentError]) ?? [];
    assert.ok(peers.length <= countMax);
    for (const { host, port } of peers) {
      assert.ok(port > 0 && port <= 65535);
      const ip = parseIp(host);
      assert.ok(ip);
      // An IPv4 address in the form of an IPv6 one is read as that of IPv4.
      assert.equal(parseIp(formatIp(ip))?.equals(ip), true);
    }
  });
});
