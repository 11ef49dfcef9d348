import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, get } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";

import { digestOf } from "../../core/digest.ts";
import { cleanUpOf } from "../../core/testing/clean-up.ts";
import { withoutIpv6 } from "../../core/testing/without-ipv6.ts";
import { advertisedHostOf, ownPeer, ownWebSeeds } from "./own-address.ts";

const digest = digestOf(Buffer.from("blob"));

/** What somebody is told who asks a server on `::` at a host. */
async function toldAt(t: TestContext, host: string, advertiseHost?: string) {
  const told: object[] = [];
  const server = createServer((request, response) => {
    const { host: peer } = ownPeer(request, { swarmPort: 7070, advertiseHost });
    told.push({ peer, webSeeds: ownWebSeeds(request, digest) });
    response.end();
  });
  cleanUpOf(t).defer(() => server.close());
  await once(server.listen(0, "::"), "listening");
  const { port } = server.address() as AddressInfo;
  const [response] = (await once(get(`http://${host}:${port}/`, { agent: false }), "response")) as [
    { resume(): void },
  ];
  response.resume();
  return { told, webSeed: `http://${host}:${port}/v1/blobs/${digest}` };
}

test(
  "who asks by IPv6 is told addresses of IPv6, who asks by IPv4 those of IPv4",
  {
    skip: withoutIpv6,
  },
  async (t) => {
    for (const [host, peer] of [
      ["[::1]", "::1"],
      ["127.0.0.1", "127.0.0.1"],
    ] as const) {
      const { told, webSeed } = await toldAt(t, host);
      assert.deepEqual(told, [{ peer, webSeeds: [webSeed] }]);
    }
  },
);

test("all are told the host that is configured, or the only address of the swarm", () => {
  const at = (host: string) => ({ listen: { host, port: 7070 } });
  assert.equal(advertisedHostOf({ ...at("::"), advertiseHost: "fd00::1" }), "fd00::1");
  assert.equal(advertisedHostOf(at("fd00::2")), "fd00::2");
  assert.equal(advertisedHostOf(at("10.0.0.1")), "10.0.0.1");
  for (const host of ["::", "0.0.0.0", "fe80::1%eth0", "seeder.example"]) {
    assert.equal(advertisedHostOf(at(host)), undefined);
  }
});
