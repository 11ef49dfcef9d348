import assert from "node:assert/strict";
import { test } from "node:test";

import { HostCounts } from "./host-counts.ts";

test("HostCounts counts hosts by whole addresses, and networks of IPv6 by 64 bits", () => {
  const hosts = ["10.0.0.1", "10.0.0.1", "10.0.0.2", "fd00::1", "fd00::2", "fd00:0:0:1::1", "node"];
  const counts = new HostCounts(hosts.map((host, index) => ({ host, port: index + 1 })));
  const of = (host: string) => {
    const address = { host, port: 1 };
    return [counts.ofHost(address), counts.ofNetwork(address)];
  };
  assert.deepEqual(["10.0.0.1", "10.0.0.3", "fd00::1", "fd00::3", "node"].map(of), [
    [2, 2],
    [0, 0],
    [1, 2],
    [0, 2],
    [1, 1],
  ]);
});
