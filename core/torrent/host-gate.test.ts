import assert from "node:assert/strict";
import { test } from "node:test";

import { HostGate } from "./host-gate.ts";

function gate(connectionsPerHostMax = 2) {
  const time = { nowMs: 1000 };
  const warnings: string[] = [];
  const hosts = new HostGate({
    connectionsPerHostMax,
    now: () => time.nowMs,
    onWarning: (message) => warnings.push(message),
  });
  return { hosts, time, warnings };
}

test("HostGate lets each host have so many connections, and says once that one wants more", () => {
  const { hosts, warnings } = gate();
  assert.deepEqual(
    [1, 2, 3, 4].map(() => hosts.admit("10.0.0.1")),
    [true, true, false, false],
  );
  assert.equal(hosts.admit("::ffff:10.0.0.1"), false);
  assert.equal(hosts.admit("10.0.0.2"), true);
  assert.deepEqual(warnings, ["a host has too many connections"]);
  hosts.left("::ffff:10.0.0.1");
  assert.equal(hosts.admit("10.0.0.1"), true);
});

test("HostGate lets a host in again a minute after it was barred for its eighth offence", () => {
  const { hosts, time, warnings } = gate();
  for (let offence = 0; offence < 7; offence++) hosts.offended("10.0.0.1", "nonsense");
  assert.equal(hosts.admit("10.0.0.1"), true);
  for (let offence = 0; offence < 7; offence++) hosts.offended("10.0.0.1", "nonsense");
  assert.equal(hosts.admit("10.0.0.1"), false);
  assert.equal(hosts.admit("10.0.0.2"), true);
  assert.deepEqual(warnings, ["peer broke the protocol", "a host is not let in any more"]);
  time.nowMs += 59_999;
  assert.equal(hosts.admit("10.0.0.1"), false);
  time.nowMs += 1;
  assert.equal(hosts.admit("10.0.0.1"), true);
});

test("HostGate lets in a host on which something is no peer, and tells it once a minute", () => {
  const { hosts, time, warnings } = gate();
  for (let probe = 0; probe < 20; probe++) {
    assert.equal(hosts.admit("10.0.0.1"), true);
    hosts.wasStrange("10.0.0.1", "another protocol");
    hosts.left("10.0.0.1");
  }
  assert.deepEqual(warnings, ["hung up on what is no peer"]);
  time.nowMs += 60_000;
  hosts.wasStrange("10.0.0.1", "another protocol");
  assert.equal(warnings.length, 2);
});

test("HostGate forgets offences that are a minute old", () => {
  const { hosts, time } = gate();
  for (let minute = 0; minute < 10; minute++) {
    for (let offence = 0; offence < 7; offence++) hosts.offended("10.0.0.1", "nonsense");
    time.nowMs += 60_000;
  }
  assert.equal(hosts.admit("10.0.0.1"), true);
});

test("HostGate remembers a bounded number of hosts, and all that are connected", () => {
  const { hosts } = gate(1);
  assert.equal(hosts.admit("10.0.0.1"), true);
  for (let offence = 0; offence < 8; offence++) hosts.offended("10.0.0.2", "nonsense");
  for (let host = 0; host < 5000; host++) hosts.offended(`10.1.${host >> 8}.${host & 255}`, "");
  assert.equal(hosts.admit("10.0.0.1"), false);
  assert.equal(hosts.admit("10.0.0.2"), true);
});
