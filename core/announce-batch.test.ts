import assert from "node:assert/strict";
import { test } from "node:test";

import {
  batchTorrentsMax,
  encodeAnnounceBatch,
  encodeAnnounceBatchAnswer,
  parseAnnounceBatch,
  parseAnnounceBatchAnswer,
} from "./announce-batch.ts";
import { decodeBencode, encodeBencode, isDictionary } from "./bencode.ts";
import { InvalidArgumentError } from "./errors.ts";
import { parseInfoHash } from "./info-hash.ts";
import { fuzz } from "./testing/fuzz.ts";

const [a, b, c] = ["a", "b", "c"].map((name) => parseInfoHash(name.repeat(40)));
const peerId = Buffer.from("-SH0001-abcdefghijkl");
const torrents = [a, b, c].filter((infoHash) => infoHash !== undefined);
const batch = { peerId, port: 7001, seeding: torrents.slice(0, 2), stopped: torrents.slice(2) };
const answer = { intervalSeconds: 600, heartbeatSeconds: 15, admission: 3, refused: torrents };

function readAnswer(bytes: Uint8Array) {
  const value = decodeBencode(bytes);
  assert.ok(isDictionary(value));
  return parseAnnounceBatchAnswer(value);
}

test("a batch of announces and its answer are read as they were written", () => {
  assert.deepEqual(parseAnnounceBatch(encodeAnnounceBatch(batch)), batch);
  const empty = { ...batch, seeding: [], stopped: [] };
  assert.deepEqual(parseAnnounceBatch(encodeAnnounceBatch(empty)), empty);
  assert.deepEqual(readAnswer(encodeAnnounceBatchAnswer(answer)), answer);
  const unknown = { ...answer, admission: undefined, refused: [] };
  assert.deepEqual(readAnswer(encodeAnnounceBatchAnswer(unknown)), unknown);
});

test("a batch that is cut off, has too many torrents, or parts that cannot be, is refused", () => {
  const whole = encodeAnnounceBatch(batch);
  for (let end = 0; end < whole.length; end++) {
    assert.throws(() => parseAnnounceBatch(whole.subarray(0, end)), InvalidArgumentError);
  }
  const most = Buffer.alloc(batchTorrentsMax * 20);
  const wire = { peer_id: peerId, port: 7001, seeding: most, stopped: Buffer.alloc(0) };
  assert.equal(parseAnnounceBatch(encodeBencode(wire)).seeding.length, batchTorrentsMax);
  const wrong = [
    { ...wire, stopped: Buffer.alloc(20) },
    { ...wire, seeding: Buffer.alloc(21) },
    { ...wire, seeding: 20 },
    { ...wire, port: 0 },
    { ...wire, port: 65_536 },
    { ...wire, peer_id: Buffer.alloc(19) },
  ];
  for (const each of wrong) {
    assert.throws(() => parseAnnounceBatch(encodeBencode(each)), InvalidArgumentError);
  }
});

test("any bytes are a batch within its bounds, or are refused; and so is any answer", () => {
  let read = 0;
  const valid = [encodeAnnounceBatch(batch), encodeAnnounceBatchAnswer(answer)];
  fuzz({ seed: 3_400_000, count: 10_000, valid }, (input) => {
    for (const parse of [parseAnnounceBatch, readAnswerOf]) {
      try {
        parse(input);
        read++;
      } catch (error) {
        if (!(error instanceof InvalidArgumentError)) throw error;
      }
    }
  });
  assert.ok(read > 100, String(read));
});

function readAnswerOf(bytes: Uint8Array): void {
  const value = decodeBencode(bytes);
  if (isDictionary(value)) parseAnnounceBatchAnswer(value);
}
