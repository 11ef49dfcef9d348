import assert from "node:assert/strict";
import { test } from "node:test";

import { AccessDeniedError, UnavailableError } from "../errors.ts";
import { parseInfoHash } from "../info-hash.ts";
import { seededRandom } from "../testing/seeded-random.ts";
import {
  encodeAnnounce,
  encodeConnect,
  parseAnnounceAnswer,
  parseConnectAnswer,
  transactionIdOf,
} from "./udp-packet.ts";

const announceAnswer = Buffer.from(
  "00000001" + "0000002a" + "00000258" + "00000003" + "00000004" + "0a0000011b5a",
  "hex",
);

test("packets have the layout of BEP 15", () => {
  assert.equal(encodeConnect(42).toString("hex"), "0000041727101980" + "00000000" + "0000002a");
  const request = {
    infoHash: parseInfoHash("ab".repeat(20)),
    ...{ port: 7002, left: 2 ** 40, uploaded: 3, downloaded: 2, peersWanted: 50 },
    event: "stopped",
  } as const;
  const connectionId = Buffer.from("0102030405060708", "hex");
  const peerId = Buffer.alloc(20, "p");
  const packet = encodeAnnounce(request, { connectionId, key: 9, peerId, transactionId: 42 });
  const fields = ["0102030405060708", "00000001", "0000002a", "ab".repeat(20), "70".repeat(20)];
  fields.push("0000000000000002", "0000010000000000", "0000000000000003", "00000003", "00000000");
  fields.push("00000009", "00000032", "1b5a");
  assert.equal(packet.toString("hex"), fields.join(""));
});

test("answers are read, and told apart by their transaction", () => {
  const connected = Buffer.from("00000000" + "0000002a" + "0102030405060708", "hex");
  assert.equal(parseConnectAnswer(connected).toString("hex"), "0102030405060708");
  assert.equal(transactionIdOf(announceAnswer), 42);
  assert.deepEqual(parseAnnounceAnswer(announceAnswer, { family: 4 }), {
    intervalSeconds: 600,
    peers: [{ host: "10.0.0.1", port: 7002 }],
  });
});

test("answers that are cut, of another action or of another family's length are no answers", () => {
  for (let length = 0; length < announceAnswer.length; length++) {
    const cut = announceAnswer.subarray(0, length);
    if (length !== 20) {
      assert.throws(() => parseAnnounceAnswer(cut, { family: 4 }), UnavailableError);
    }
    assert.throws(() => parseConnectAnswer(cut), UnavailableError);
  }
  assert.throws(() => parseAnnounceAnswer(announceAnswer, { family: 6 }), UnavailableError);
  assert.equal(transactionIdOf(Buffer.alloc(7)), undefined);
});

test("an error of the tracker is a refusal", () => {
  const error = Buffer.from("00000003" + "0000002a" + "6e6f", "hex");
  assert.throws(() => parseAnnounceAnswer(error, { family: 4 }), AccessDeniedError);
  assert.throws(() => parseConnectAnswer(error), AccessDeniedError);
});

test("whatever comes is an answer, a refusal or neither", () => {
  const random = seededRandom(5);
  for (let round = 0; round < 5000; round++) {
    const packet = Buffer.from(
      Array.from({ length: Math.floor(random() * 60) }, () => Math.floor(random() * 256)),
    );
    if (packet.length > 4) packet.writeUInt32BE(Math.floor(random() * 4), 0);
    for (const parse of [
      () => parseConnectAnswer(packet),
      () => parseAnnounceAnswer(packet, { family: random() < 0.5 ? 4 : 6 }),
    ]) {
      try {
        parse();
      } catch (error) {
        assert.ok(error instanceof UnavailableError || error instanceof AccessDeniedError);
      }
    }
  }
});
