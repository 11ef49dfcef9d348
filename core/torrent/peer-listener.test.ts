import assert from "node:assert/strict";
import { test } from "node:test";

import { cleanUpOf } from "../testing/clean-up.ts";
import { HostGate } from "./host-gate.ts";
import { PeerListener } from "./peer-listener.ts";

function open(place: { readonly host: string; readonly port: number }): Promise<PeerListener> {
  const ignore = () => undefined;
  return PeerListener.open({
    ...place,
    connectionsMax: 1,
    gate: new HostGate({ connectionsPerHostMax: 1, now: () => 0, onWarning: ignore }),
    ...{ onPeer: ignore, onEncrypted: ignore, onFault: ignore },
  });
}

test("a port that is taken is told with its host and that reason", async (t) => {
  const host = "127.0.0.1";
  const { port } = cleanUpOf(t).use(await open({ host, port: 0 }));
  await assert.rejects(open({ host, port }), {
    name: "UnavailableError",
    message: `Cannot listen on 127.0.0.1:${port}: the port is taken`,
  });
});

test("an address of another machine is told as that", async () => {
  await assert.rejects(open({ host: "2001:db8::1", port: 7081 }), {
    name: "UnavailableError",
    // A machine without IPv6 has no such kind of address at all.
    message: /^Cannot listen on \[2001:db8::1\]:7081: (it is no address of this machine|EAFNO\w+)$/,
  });
});
