import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import { TrackerAnnouncer } from "../core/announce/tracker-announcer.ts";
import { infoHashOf } from "../core/info-hash.ts";
import type { PeerAddress } from "../core/peer-address.ts";
import { createPeerId } from "../core/peer-id.ts";
import { SystemClock } from "../core/system/system-clock.ts";
import { cleanUpOf } from "../core/testing/clean-up.ts";
import { MemoryLogger } from "../core/testing/memory-logger.ts";
import type { Place } from "../core/topology.ts";
import { AnnouncedPlaces } from "./announced-places.ts";
import { parseTrackerConfig } from "./config.ts";
import { startTracker } from "./service.ts";

const infoHash = infoHashOf(Buffer.from("torrent"));

async function start(t: TestContext): Promise<string> {
  const config = parseTrackerConfig('listen: {http: "127.0.0.1:0", udp: false}', "test");
  const deps = { logger: new MemoryLogger(), clock: new SystemClock() };
  const tracker = cleanUpOf(t).use(await startTracker(config, deps, t));
  return `http://127.0.0.1:${tracker.http.port}/announce`;
}

/** Announces a peer, as a node at that place does. Gives whom it is told of first. */
async function announce(
  t: TestContext,
  { url, port, place }: { readonly url: string; readonly port: number; readonly place?: Place },
): Promise<readonly PeerAddress[]> {
  const deps = { clock: new SystemClock(), logger: new MemoryLogger(), peerId: createPeerId() };
  const announcer = cleanUpOf(t).use(new TrackerAnnouncer({ ...deps, trackers: [url], place }));
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
    assert.match(await said(`port=1&place=${place}`), /^d9:admissioni[0-9]+e8:complete/);
  }
});

test("places keep nothing of the announces that they were in, and peers share them", () => {
  const places = new AnnouncedPlaces();
  const megabyte = 1024 ** 2;
  const urlWith = (place: string) =>
    Buffer.from(`/announce?port=1&place=${place}&x=${"x".repeat(megabyte / 2)}`).toString("latin1");
  const before = heapUsedAfterCollection();
  const kept = Array.from({ length: 50 }, (_, index) =>
    places.placeIn(urlWith(`region-of-some-length/zone-of-some-length-${index}/`)),
  );
  const grownBytes = heapUsedAfterCollection() - before;
  assert.ok(grownBytes < 10 * megabyte, `${grownBytes} bytes are kept`);
  assert.equal(kept[7]?.zone, "zone-of-some-length-7");
  assert.equal(places.placeIn("?place=region-of-some-length/zone-of-some-length-7/"), kept[7]);
});

test("places that are made up without end are forgotten again", () => {
  const places = new AnnouncedPlaces();
  const first = places.placeIn("?place=eu/a/1");
  for (let index = 0; index < 10_000; index++) places.placeIn(`?place=made/up/${index}`);
  assert.notEqual(places.placeIn("?place=eu/a/1"), first);
  assert.deepEqual(places.placeIn("?place=eu/a/1"), first);
});

function heapUsedAfterCollection(): number {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc()");
  return process.memoryUsage().heapUsed;
}
