import assert from "node:assert/strict";
import { test } from "node:test";

import { mayGiveWay } from "./give-way.ts";

const at = (host: string) => ({ host, port: 1 });

/** Hosts that may give way to one that comes to who may have four peers. */
function hosts(peers: readonly string[], comer: string): string[] {
  const all = peers.map((host) => ({ address: at(host) }));
  return mayGiveWay(all, { comer: at(comer), peersMax: 4 }).map(({ address }) => address.host);
}

test("mayGiveWay() gives everybody while the network of who comes has less than half of the places", () => {
  const peers = ["10.0.0.1", "10.0.0.2", "fd00::1", "fd00:0:0:1::1"];
  assert.deepEqual(hosts(peers, "fd00::2"), peers);
  assert.deepEqual(hosts(peers, "10.0.0.3"), peers);
});

test("mayGiveWay() gives those of its network alone once that has half of the places", () => {
  const peers = ["10.0.0.1", "fd00::1", "fd00::2", "fd00:0:0:1::1"];
  assert.deepEqual(hosts(peers, "fd00::3"), ["fd00::1", "fd00::2"]);
});

test("mayGiveWay() gives everybody where all are of one network", () => {
  const peers = ["fd00::1", "fd00::2", "fd00::3", "fd00::4"];
  assert.deepEqual(hosts(peers, "fd00::5"), peers);
});
