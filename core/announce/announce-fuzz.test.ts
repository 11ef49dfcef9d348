import assert from "node:assert/strict";
import { isIP } from "node:net";
import { test } from "node:test";

import { encodeBencode } from "../bencode.ts";
import { AccessDeniedError, UnavailableError } from "../errors.ts";
import type { PeerAddress } from "../peer-address.ts";
import { decoded, fuzz } from "../testing/fuzz.ts";
import { parseHttpAnnounceAnswer } from "./http-announce-answer.ts";
import { peersMax } from "./tracker-client.ts";
import { parseAnnounceAnswer, parseConnectAnswer, transactionIdOf } from "./udp-packet.ts";

const refusals = [UnavailableError, AccessDeniedError];
const compact = Buffer.from("0a0000011bb80a0000021bb8", "hex");

const httpAnswers = [
  { interval: 60, "min interval": 10, peers: compact, peers6: Buffer.alloc(18, 1) },
  { interval: 60, peers: [{ ip: "10.0.0.1", port: 7080 }, { ip: "::1", port: 1 }, {}] },
  { "failure reason": "no such torrent" },
].map(encodeBencode);

test("any bytes are an answer of a tracker over HTTP with bounded values, a refusal, or none", () => {
  fuzz({ seed: 2_000_000, count: 10_000, valid: httpAnswers }, (input) => {
    const answer = decoded(() => parseHttpAnnounceAnswer(input), refusals);
    if (!answer) return;
    for (const intervalMs of [answer.intervalMs, answer.intervalMinMs]) {
      assert.ok(intervalMs >= 1000 && intervalMs <= 3_600_000);
    }
    assertUsable(answer.peers);
  });
});

test("what a tracker over HTTP says of its refusal is short, and safe in a log", () => {
  const valid = [Buffer.from("no such torrent"), Buffer.from('\x1b[2J\n"secret"')];
  fuzz({ seed: 2_100_000, count: 3000, valid }, (input) => {
    const body = encodeBencode({ "failure reason": input });
    assert.throws(
      () => parseHttpAnnounceAnswer(body),
      (error) => {
        assert.ok(error instanceof AccessDeniedError);
        assert.match(error.message, /^[ -~]{0,1000}$/);
        return true;
      },
    );
  });
});

const udpAnswers = [
  Buffer.from("00000000000000070102030405060708", "hex"),
  Buffer.concat([Buffer.from("0000000100000007000007080000000100000002", "hex"), compact]),
  Buffer.from("00000003000000076e6f", "hex"),
];

test("any packet is an answer of a tracker over UDP, a refusal, or none", () => {
  fuzz({ seed: 2_200_000, count: 12_000, valid: udpAnswers }, (input, draw) => {
    const family = draw(4) ? 4 : 6;
    assert.equal(transactionIdOf(input) === undefined, input.length < 8);
    const id = decoded(() => parseConnectAnswer(input), refusals);
    assert.ok(!id || id.length === 8);
    const answer = decoded(() => parseAnnounceAnswer(input, { family }), refusals);
    if (!answer) return;
    assert.equal(answer.intervalSeconds, input.readUInt32BE(8));
    assertUsable(answer.peers);
  });
});

function assertUsable(peers: readonly PeerAddress[]): void {
  assert.ok(peers.length <= peersMax);
  for (const { host, port } of peers) {
    assert.notEqual(isIP(host), 0);
    assert.ok(port > 0 && port <= 65535);
  }
}
