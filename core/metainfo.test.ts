import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import { encodeBencode } from "./bencode.ts";
import { digestOf } from "./digest.ts";
import { MetainfoError } from "./errors.ts";
import { createMetainfo, encodeMetainfo, parseMetainfo } from "./metainfo.ts";
import { PieceHasher } from "./piece-hasher.ts";
import { pieceLayoutOf } from "./piece-layout.ts";

const blob = Buffer.alloc(5_000_000, "shoal");

function metainfoOf(bytes: Buffer, chunkLength: number) {
  const hasher = new PieceHasher(pieceLayoutOf(bytes.length).pieceLength);
  for (let start = 0; start < bytes.length; start += chunkLength) {
    hasher.update(bytes.subarray(start, start + chunkLength));
  }
  const pieceHashes = hasher.digest();
  return createMetainfo({ digest: digestOf(bytes), size: bytes.length, pieceHashes });
}

test("createMetainfo() gives one info hash however the bytes came", () => {
  const whole = metainfoOf(blob, blob.length);
  assert.equal(metainfoOf(blob, 1000).infoHash, whole.infoHash);
  const first = createHash("sha1").update(blob.subarray(0, whole.layout.pieceLength)).digest();
  assert.deepEqual(Buffer.from(whole.pieceHashes.subarray(0, 20)), first);
});

test("parseMetainfo() reads what encodeMetainfo() wrote", () => {
  const metainfo = metainfoOf(blob, 4096);
  const announce = ["http://a/announce", "udp://b:6969"];
  assert.deepEqual(parseMetainfo(encodeMetainfo(metainfo, { announce })), metainfo);
});

test("parseMetainfo() refuses torrents that are not one blob in its own layout", () => {
  const { digest, pieceHashes, layout } = metainfoOf(blob, 4096);
  const { size, pieceLength } = layout;
  const good = { length: size, name: digest, "piece length": pieceLength, pieces: pieceHashes };
  const bad = [
    { ...good, length: 0 },
    { ...good, length: size * 4 },
    { ...good, "piece length": pieceLength * 2 },
    { ...good, pieces: pieceHashes.subarray(1) },
    { ...good, pieces: 7 },
    { ...good, name: "../../etc/passwd" },
    { ...good, name: undefined },
  ];
  for (const info of bad) {
    assert.throws(() => parseMetainfo(encodeBencode({ info })), MetainfoError);
  }
  assert.throws(() => parseMetainfo(Buffer.from("le")), MetainfoError);
  assert.throws(() => parseMetainfo(Buffer.alloc(1_000_000, "l")), MetainfoError);
});
