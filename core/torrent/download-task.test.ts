import assert from "node:assert/strict";
import { truncate, writeFile } from "node:fs/promises";
import { Agent } from "node:http";
import { join } from "node:path";
import { test } from "node:test";

import { HostLimits } from "../limits/host-limits.ts";
import { createPeerId } from "../peer-id.ts";
import { blobFixture } from "../testing/blob-fixture.ts";
import { cleanUpOf } from "../testing/clean-up.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { testFolder } from "../testing/test-folder.ts";
import { DialSlots } from "./dial-slots.ts";
import { DigestThread } from "./digest-thread.ts";
import { DownloadTask } from "./download-task.ts";

const ignore = () => undefined;

const torrent = blobFixture(1000).metainfo;
const stallBoundMs = 10_000;

test("a download that finds no room beside others is not late, and is so once there is some", async (t) => {
  const path = join(testFolder(t, "download"), "blob");
  await writeFile(path, "");
  await truncate(path, torrent.layout.size);
  const clock = new ManualClock();
  const digests = cleanUpOf(t).use(new DigestThread());
  const asking = Promise.withResolvers<undefined>();
  const buffers = { isStarved: true, hasRoom: () => false, take: ignore, giveBack: ignore };
  const task = new DownloadTask({
    ...{ torrent, path, peers: [], webSeeds: [], hasOrigin: false, isAhead: false, stallBoundMs },
    self: { blockLengthMax: 16384, dedicatedSeeder: false, whole: false, listenPort: 0 },
    ...{ peerId: createPeerId(), peersPerBlobMax: 4, receiveBuffer: Buffer.alloc(1), digests },
    dialSlots: new DialSlots({ connectionsMax: 9, connectionsPerHostMax: 9, onFree: ignore }),
    ...{ limits: new HostLimits(), buffers, webAgent: new Agent() },
    stockPeers: { fetch: () => Promise.resolve() },
    ...{ now: () => clock.monotonicMs(), random: () => 0 },
    events: {
      ...{ onPiece: ignore, onIntent: ignore, onBytes: ignore, onGoodSources: ignore },
      ...{ onOriginWanted: ignore, onDetail: ignore, onWarning: ignore },
      onHurry: () => asking.resolve(undefined),
      onFault: (error) => assert.fail(String(error)),
    },
  });
  const ended = task.run();
  const tickAfter = (durationMs: number) => {
    clock.advance(durationMs);
    task.tick();
  };
  await asking.promise;
  tickAfter(6 * stallBoundMs);
  buffers.isStarved = false;
  tickAfter(stallBoundMs);
  tickAfter(1);
  await assert.rejects(ended, /no piece came for 10001 ms/);
});
