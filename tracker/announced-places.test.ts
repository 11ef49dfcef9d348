import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";

import { TrackerAnnouncer } from "../core/announce/tracker-announcer.ts";
import { infoHashOf } from "../core/info-hash.ts";
import type { PeerAddress } from "../core/peer-address.ts";
import { createPeerId } from "../core/peer-id.ts";
import { SystemClock } from "../core/system/system-clock.ts";
import { MemoryLogger } from "../core/testing/memory-logger.ts";
import type { Place } from "../core/topology.ts";
import { parseTrackerConfig } from "./config.ts";
import { startTracker } from "./service.ts";

const infoHash = infoHashOf(Buffer.from("torrent"));

async function start(t: TestContext): Promise<string> {
  const config = parseTrackerConfig('listen: {http: "127.0.0.1:0", udp: false}', "test");
  const deps = { logger: new MemoryLogger(), clock: new SystemClock() };
  const tracker = await startTracker(config, deps, t);
  t.after(() => tracker[Symbol.asyncDispose]());
  return `http://127.0.0.1:${tracker.http.port}/announce`;
}

/** Announces a peer, as a node at that place does. Gives whom it is told of first. */
async function announce(
  t: TestContext,
  { url, port, place }: { readonly url: string; readonly port: number; readonly place?: Place },
): Promise<readonly PeerAddress[]> {
  const deps = { clock: new SystemClock(), logger: new MemoryLogger(), peerId: createPeerId() };
  const announcer = new TrackerAnnouncer({ ...deps, trackers: [url], place });
  t.after(() => announcer[Symbol.asyncDispose]());
  const told = Promise.withResolvers<readonly PeerAddress[]>();
  announcer.announce({
    ...{ infoHash, port, left: () => 1, uploaded: () => 0, downloaded: () => 0 },
    onPeers: (peers) => told.resolve(peers),
  });
  return told.promise;
}

test("a node is told first of those in its own zone", async (t) => {
  const url = await start(t);
  const places = { 70: { region: "eu", zone: "a" }, 71: { region: "eu", zone: "b" } } as const;
  const said = async (query: string) => {
    const ours = "info_hash=aaaaaaaaaaaaaaaaaaaa&peer_id=bbbbbbbbbbbbbbbbbbbb&left=1&compact=1";
    return Buffer.from(await (await fetch(`${url}?${ours}&${query}`)).arrayBuffer()).toString();
  };
  // Each is told of the one before: so all are there when the next one comes.
  for (const port of [7000, 7100, 7001, 7101]) {
    const place = places[port < 7100 ? 70 : 71];
    const told = announce(t, { url, port, place });
    if (port !== 7000) await told;
  }
  const ports = (await announce(t, { url, port: 7102, place: places[71] })).map(({ port }) => port);
  assert.deepEqual(ports.slice(0, 2).sort(), [7100, 7101]);
  assert.deepEqual(ports.slice(2).sort(), [7000, 7001]);
  for (const place of ["eu", "eu/%00/x", "//////", "x".repeat(1000)]) {
    assert.match(await said(`port=1&place=${place}`), /^d8:complete/);
  }
});
