import assert from "node:assert/strict";
import { test } from "node:test";

import { ManualClock } from "../../core/testing/manual-clock.ts";
import { seededRandom } from "../../core/testing/seeded-random.ts";
import { UdpGate } from "./udp-gate.ts";

const protocolId = "0000041727101980";

function connect(transactionId = "01020304"): Buffer {
  return Buffer.from(`${protocolId}00000000${transactionId}`, "hex");
}

function announce(connectionId: Buffer): Buffer {
  const packet = Buffer.alloc(98, 7);
  packet.set(connectionId);
  packet.writeUInt32BE(1, 8);
  return packet;
}

function gate(clock = new ManualClock()) {
  const udpGate = new UdpGate({ secret: Buffer.alloc(32, 1), clock });
  const idFor = (address: string): Buffer => {
    const verdict = udpGate.admit(connect(), address);
    assert.ok(verdict.kind === "answer");
    assert.equal(verdict.message.subarray(0, 8).toString("hex"), "0000000001020304");
    return verdict.message.subarray(8);
  };
  return { clock, idFor, udpGate };
}

test("UdpGate lets pass who shows the connection id that was sent to its address", () => {
  const { idFor, udpGate } = gate();
  const id = idFor("10.0.0.1");
  assert.equal(id.length, 8);
  const passed = udpGate.admit(announce(id), "10.0.0.1");
  assert.ok(passed.kind === "pass");
  assert.equal(passed.message.toString("hex", 0, 8), protocolId);
  const error = udpGate.admit(announce(id), "10.0.0.2");
  assert.ok(error.kind === "answer");
  assert.equal(error.message.readUInt32BE(0), 3);
  assert.equal(udpGate.admit(announce(Buffer.from(protocolId, "hex")), "10.0.0.1").kind, "answer");
});

test("UdpGate takes the claimed address out of an announce", () => {
  const { idFor, udpGate } = gate();
  const passed = udpGate.admit(announce(idFor("10.0.0.1")), "10.0.0.1");
  assert.ok(passed.kind === "pass");
  assert.equal(passed.message.readUInt32BE(84), 0);
  assert.equal(passed.message.readUInt32BE(88), 0x07070707);
});

test("UdpGate takes a connection id for one to two minutes", () => {
  const { clock, idFor, udpGate } = gate();
  const id = idFor("10.0.0.1");
  clock.advance(60_000);
  assert.equal(udpGate.admit(announce(id), "10.0.0.1").kind, "pass");
  clock.advance(60_000);
  assert.equal(udpGate.admit(announce(id), "10.0.0.1").kind, "answer");
});

test("UdpGate drops what is too short, too long, or asks to connect without the protocol's id", () => {
  const { udpGate } = gate();
  for (let length = 0; length < 16; length++) {
    assert.equal(udpGate.admit(connect().subarray(0, length), "10.0.0.1").kind, "drop");
  }
  assert.equal(udpGate.admit(Buffer.alloc(1501), "10.0.0.1").kind, "drop");
  const foreign = connect();
  foreign[0] = 1;
  assert.equal(udpGate.admit(foreign, "10.0.0.1").kind, "drop");
});

test("UdpGate never answers with more than it got", () => {
  const { udpGate } = gate();
  const random = seededRandom(3);
  for (let round = 0; round < 5000; round++) {
    const packet = Buffer.from(
      Array.from({ length: Math.floor(random() * 100) }, () => Math.floor(random() * 256)),
    );
    if (random() < 0.5) packet.write(protocolId, "hex");
    if (random() < 0.5 && packet.length >= 12) packet.writeUInt32BE(Math.floor(random() * 4), 8);
    const verdict = udpGate.admit(packet, "10.0.0.1");
    if (verdict.kind === "answer") assert.ok(verdict.message.length <= packet.length);
  }
});
