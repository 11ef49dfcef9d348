import assert from "node:assert/strict";
import { type LookupAddress, lookup as systemLookup } from "node:dns";
import { once } from "node:events";
import type { LookupFunction } from "node:net";
import { type TestContext, test } from "node:test";

import { TrackerAnnouncer } from "../core/announce/tracker-announcer.ts";
import { infoHashOf } from "../core/info-hash.ts";
import { type PeerAddress, formatPeerAddress } from "../core/peer-address.ts";
import { createPeerId } from "../core/peer-id.ts";
import { SystemClock } from "../core/system/system-clock.ts";
import { cleanUpOf } from "../core/testing/clean-up.ts";
import { MemoryLogger } from "../core/testing/memory-logger.ts";
import { withoutIpv6 } from "../core/testing/without-ipv6.ts";
import { parseTrackerConfig } from "./config.ts";
import { startTracker } from "./service.ts";

const clock = new SystemClock();

/** Names, and what addresses they have. */
const names: Readonly<Record<string, readonly LookupAddress[]>> = {
  "both.test": [
    { address: "127.0.0.1", family: 4 },
    { address: "::1", family: 6 },
  ],
  "ipv4.test": [{ address: "127.0.0.1", family: 4 }],
  "none.test": [],
};

const lookup: LookupFunction = (name, options, done) => {
  const { family, all } = options;
  const known = names[name]?.filter((each) => !family || each.family === family);
  const first = known?.[0];
  if (!known) systemLookup(name, options, done);
  else if (!first) done(Object.assign(new Error("no address"), { code: "ENOTFOUND" }), "");
  else if (all) done(null, [...known]);
  else done(null, first.address, first.family);
};

async function trackerOn(t: TestContext, host: string) {
  const listen = { http: `${host}:0`, udp: `${host}:0` };
  // Who came too early to hear of another asks again soon.
  const announce = { intervalMs: 1000, intervalMinMs: 1000 };
  const config = parseTrackerConfig(JSON.stringify({ listen, announce }), "tracker.yaml");
  const tracker = cleanUpOf(t).use(
    await startTracker(config, { clock, logger: new MemoryLogger() }, t),
  );
  return { http: tracker.http.port, udp: tracker.udp?.port ?? 0 };
}

/** Announces a torrent to one tracker, and tells of whom it hears. */
function node(t: TestContext, url: string, { port, left }: { port: number; left: number }) {
  const logger = new MemoryLogger();
  const deps = { clock, logger, peerId: createPeerId(), trackers: [url], lookup };
  const announcer = cleanUpOf(t).use(new TrackerAnnouncer(deps));
  const found = new Set<string>();
  const heard = new EventTarget();
  announcer.announce({
    infoHash: infoHashOf(Buffer.from("torrent")),
    ...{ port, left: () => left, uploaded: () => 0, downloaded: () => 0 },
    onPeers: (peers: readonly PeerAddress[]) => {
      for (const peer of peers) found.add(formatPeerAddress(peer));
      heard.dispatchEvent(new Event("peers"));
    },
  });
  const hears = async (peer: string) => {
    while (!found.has(peer)) await once(heard, "peers", t);
  };
  return { announcer, found, hears, logger };
}

for (const scheme of ["http", "udp"] as const) {
  const skip = withoutIpv6;
  test(`nodes of one family each meet a seeder of both by ${scheme}`, { skip }, async (t) => {
    const ports = await trackerOn(t, "[::]");
    const urlAt = (host: string) =>
      scheme === "udp" ? `udp://${host}:${ports.udp}` : `http://${host}:${ports.http}/announce`;
    const second = node(t, urlAt("[::1]"), { port: 7002, left: 5 });
    const first = node(t, urlAt("127.0.0.1"), { port: 7001, left: 5 });
    const seeder = node(t, urlAt("both.test"), { port: 7000, left: 0 });

    await Promise.all([first.hears("127.0.0.1:7000"), second.hears("[::1]:7000")]);
    // By HTTP a seeder announces in batches, which ask for nobody: those who lack pieces come to it.
    if (scheme === "http") return;
    // Over UDP the peers of an answer have the family of its socket: the seeder asks by both.
    await Promise.all([seeder.hears("127.0.0.1:7001"), seeder.hears("[::1]:7002")]);
    assert.ok(![...first.found].some((peer) => peer.startsWith("[")));
  });
}

test("a tracker's name that has addresses of one family is no trouble", async (t) => {
  const ports = await trackerOn(t, "127.0.0.1");
  const url = `http://ipv4.test:${ports.http}/announce`;
  const { hears, logger } = node(t, url, { port: 7001, left: 5 });
  node(t, url, { port: 7000, left: 0 });

  await hears("127.0.0.1:7000");

  const loud = logger.lines.filter(({ level }) => level === "warn" || level === "error");
  assert.deepEqual(loud, []);
});

test("a tracker's name that has no address at all is told of", async (t) => {
  const url = "http://none.test:1/announce";
  const { announcer, logger } = node(t, url, { port: 7001, left: 5 });
  await announcer[Symbol.asyncDispose]();
  assert.ok(logger.lines.some(({ level }) => level === "warn"));
});
