import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";

import { TrackerAnnouncer } from "../core/announce/tracker-announcer.ts";
import { HttpDirectory } from "../core/directory/http-directory.ts";
import { createPeerId } from "../core/peer-id.ts";
import { SystemClock } from "../core/system/system-clock.ts";
import { blobFixture } from "../core/testing/blob-fixture.ts";
import { cleanUpOf } from "../core/testing/clean-up.ts";
import { MemoryLogger } from "../core/testing/memory-logger.ts";
import { parseTrackerConfig } from "./config.ts";
import { type Tracker, startTracker } from "./service.ts";

const deps = { logger: new MemoryLogger(), clock: new SystemClock() };

async function start(t: TestContext, port = 0): Promise<Tracker> {
  const config = `listen: {http: "127.0.0.1:${port}", udp: false}`;
  const tracker = cleanUpOf(t).use(await startTracker(parseTrackerConfig(config, "test"), deps, t));
  return tracker;
}

test("a tracker that forgot everything is told again of blobs and peers by who holds them", async (t) => {
  const first = await start(t);
  const url = `http://127.0.0.1:${first.http.port}`;
  const { metainfo, digest } = blobFixture(1_000_000);
  const services = { trackers: [url], seeders: [], logger: deps.logger, lookupTimeoutMs: 5000 };
  const directory = cleanUpOf(t).use(new HttpDirectory(services));
  const trackers = [`${url}/announce`];
  const announcer = cleanUpOf(t).use(
    new TrackerAnnouncer({ ...deps, trackers, peerId: createPeerId() }),
  );

  directory.publish(metainfo);
  const announcement = announcer.announce({
    ...{ infoHash: metainfo.infoHash, port: 7001, onPeers: () => undefined },
    ...{ left: () => 0, uploaded: () => 0, downloaded: () => 0 },
  });
  const peersFound = async () => (await directory.lookup(digest, t))?.peers ?? [];
  const expected = [{ host: "127.0.0.1", port: 7001 }];
  while ((await peersFound()).length === 0);
  assert.deepEqual(await peersFound(), expected);

  await first[Symbol.asyncDispose]();
  await start(t, first.http.port);
  announcement.hurry();
  while ((await peersFound()).length === 0) announcement.hurry();
  assert.deepEqual(await peersFound(), expected);
});
