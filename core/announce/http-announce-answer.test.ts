import assert from "node:assert/strict";
import { test } from "node:test";

import { type BencodeInput, encodeBencode } from "../bencode.ts";
import { AccessDeniedError, UnavailableError } from "../errors.ts";
import { seededRandom } from "../testing/seeded-random.ts";
import { parseHttpAnnounceAnswer } from "./http-announce-answer.ts";

function parse(answer: BencodeInput) {
  return parseHttpAnnounceAnswer(encodeBencode(answer));
}

const good = {
  admission: 7,
  interval: 600,
  "min interval": 30,
  peers: Buffer.from("0a0000011b5a0a0000021b5b", "hex"),
  peers6: Buffer.from(`${"fd".padEnd(30, "0")}011b5c`, "hex"),
};

test("parseHttpAnnounceAnswer() reads intervals and compact peers of both families", () => {
  assert.deepEqual(parse(good), {
    intervalMs: 600_000,
    intervalMinMs: 30_000,
    peers: [
      { host: "10.0.0.1", port: 7002 },
      { host: "10.0.0.2", port: 7003 },
      { host: "fd00::1", port: 7004 },
    ],
    admission: 7,
  });
  assert.equal(parse({ interval: 600 }).admission, undefined);
});

test("parseHttpAnnounceAnswer() reads peers in the long form, but no names and no bad ports", () => {
  const peers = [
    { ip: "10.0.0.1", "peer id": "x", port: 1 },
    { ip: "fd00::1", port: 65535 },
    { ip: "somewhere.example", port: 1 },
    { ip: "fe80::1%eth0", port: 1 },
    { ip: "10.0.0.1", port: 0 },
    { ip: "10.0.0.1", port: 65536 },
    { ip: 7, port: "x" },
    { port: 1 },
    7,
    [],
  ];
  assert.deepEqual(parse({ interval: 600, peers }).peers, [
    { host: "10.0.0.1", port: 1 },
    { host: "fd00::1", port: 65535 },
  ]);
});

test("parseHttpAnnounceAnswer() bounds intervals and the number of peers", () => {
  const hostile = { interval: -5, "min interval": 1e15, peers: Buffer.alloc(6 * 5000, 1) };
  const { intervalMs, intervalMinMs, peers } = parse(hostile);
  assert.equal(intervalMs, 1000);
  assert.equal(intervalMinMs, 1000);
  assert.equal(peers.length, 200);
  const long = Array.from({ length: 1000 }, () => ({ ip: "10.0.0.1", port: 1 }));
  assert.equal(parse({ interval: 1e15, peers: long }).peers.length, 200);
  assert.equal(parse({ interval: 1e15 }).intervalMs, 3_600_000);
  assert.equal(parse({}).intervalMs, 600_000);
});

test("parseHttpAnnounceAnswer() tells why a tracker refuses, in printable characters", () => {
  const reason = `not \n\u0000here${"x".repeat(1000)}`;
  assert.throws(
    () => parse({ "failure reason": reason }),
    (error) =>
      error instanceof AccessDeniedError &&
      error.message.includes('"not ??here') &&
      error.message.length < 300,
  );
  assert.throws(() => parse({ "failure reason": 7 }), AccessDeniedError);
});

test("parseHttpAnnounceAnswer() takes nothing else for an answer", () => {
  const { peers } = good;
  const bad = [{ peers: peers.subarray(1) }, { peers6: peers }, { peers: 7 }, { peers: {} }, [], 7];
  for (const answer of bad) assert.throws(() => parse(answer), UnavailableError);
  for (const text of ["", "<html>", "d", "i", "l".repeat(1000)]) {
    assert.throws(() => parseHttpAnnounceAnswer(Buffer.from(text)), UnavailableError);
  }
});

test("parseHttpAnnounceAnswer() throws nothing unexpected at whatever it gets", () => {
  const bytes = encodeBencode(good);
  const random = seededRandom(4);
  const isExpected = (input: Uint8Array) => {
    try {
      parseHttpAnnounceAnswer(input);
    } catch (error) {
      assert.ok(error instanceof UnavailableError || error instanceof AccessDeniedError);
    }
  };
  for (let length = 0; length < bytes.length; length++) {
    assert.throws(() => parseHttpAnnounceAnswer(bytes.subarray(0, length)), UnavailableError);
  }
  for (let round = 0; round < 5000; round++) {
    const damaged = Buffer.from(bytes);
    damaged[Math.floor(random() * damaged.length)] = Math.floor(random() * 256);
    damaged[Math.floor(random() * damaged.length)] = Math.floor(random() * 256);
    isExpected(damaged);
  }
});
