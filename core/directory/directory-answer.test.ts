import assert from "node:assert/strict";
import { test } from "node:test";

import { encodeBencode } from "../bencode.ts";
import { CodedError, MetainfoError } from "../errors.ts";
import { encodeMetainfo } from "../metainfo.ts";
import { blobFixture } from "../testing/blob-fixture.ts";
import { seededRandom } from "../testing/seeded-random.ts";
import { parseDirectoryAnswer } from "./directory-answer.ts";

const { digest, metainfo } = blobFixture(1_000_000);
const { layout, pieceHashes } = metainfo;
const info = {
  ...{ length: layout.size, name: digest, "piece length": layout.pieceLength },
  ...{ pieces: pieceHashes, private: 1 },
};
const peers = [
  { host: "10.0.0.1", port: 7080 },
  { host: "fd00::1", port: 1 },
];
const webSeeds = [`http://seeder:7072/v1/blobs/${digest}`];

test("parseDirectoryAnswer() reads metainfo, peers and web seeds", () => {
  const bytes = encodeMetainfo(metainfo, { peers, webSeeds });
  const expected = { metainfo, peers, webSeeds };
  assert.deepEqual(parseDirectoryAnswer(bytes, { digest, webSeeds: true }), expected);
  const bare = parseDirectoryAnswer(encodeMetainfo(metainfo), { digest, webSeeds: true });
  assert.deepEqual(bare, { metainfo, peers: [], webSeeds: [] });
});

test("parseDirectoryAnswer() takes web seeds only from who may name them", () => {
  const bytes = encodeMetainfo(metainfo, { webSeeds });
  assert.deepEqual(parseDirectoryAnswer(bytes, { digest, webSeeds: false }).webSeeds, []);
});

test("parseDirectoryAnswer() reads a web seed that stands alone", () => {
  const bytes = encodeBencode({ info, "url-list": "https://seeder/blob" });
  const { webSeeds: read } = parseDirectoryAnswer(bytes, { digest, webSeeds: true });
  assert.deepEqual(read, ["https://seeder/blob"]);
});

test("parseDirectoryAnswer() leaves out what makes no sense, and bounds the rest", () => {
  const answer = encodeBencode({
    info,
    "url-list": ["file:///etc/passwd", "x", 7, [], `http://h/${"x".repeat(1000)}`, ...webSeeds],
    "x-peers": ["x", "10.0.0.1:0", "10.0.0.1:65536", "a b:1", 7, [], "10.0.0.1:7080"],
  });
  const read = parseDirectoryAnswer(answer, { digest, webSeeds: true });
  assert.deepEqual(read.peers, [peers[0]]);
  assert.deepEqual(read.webSeeds, webSeeds);
  const many = encodeBencode({
    info,
    "url-list": Array.from({ length: 1000 }, (_, index) => `http://h/${index}`),
    "x-peers": Array.from({ length: 1000 }, () => "10.0.0.1:7080"),
  });
  const bounded = parseDirectoryAnswer(many, { digest, webSeeds: true });
  assert.equal(bounded.peers.length, 50);
  assert.equal(bounded.webSeeds.length, 8);
  for (const value of [7, { a: 1 }, "x"]) {
    const odd = encodeBencode({ info, "url-list": value, "x-peers": value });
    const { peers: none, webSeeds: neither } = parseDirectoryAnswer(odd, {
      digest,
      webSeeds: true,
    });
    assert.deepEqual([none, neither], [[], []]);
  }
});

test("parseDirectoryAnswer() refuses metainfo of another blob", () => {
  const other = encodeMetainfo(blobFixture(1000, "other").metainfo);
  assert.throws(() => parseDirectoryAnswer(other, { digest, webSeeds: true }), MetainfoError);
});

test("parseDirectoryAnswer() throws nothing unexpected at whatever it gets", () => {
  const bytes = encodeMetainfo(metainfo, { peers, webSeeds });
  const random = seededRandom(6);
  for (let length = 0; length < bytes.length; length++) {
    const cut = bytes.subarray(0, length);
    assert.throws(() => parseDirectoryAnswer(cut, { digest, webSeeds: true }), MetainfoError);
  }
  for (let round = 0; round < 3000; round++) {
    const damaged = Buffer.from(bytes);
    damaged[Math.floor(random() * damaged.length)] = Math.floor(random() * 256);
    try {
      const entry = parseDirectoryAnswer(damaged, { digest, webSeeds: true });
      assert.equal(entry.metainfo.digest, digest);
    } catch (error) {
      assert.ok(error instanceof CodedError);
    }
  }
});
