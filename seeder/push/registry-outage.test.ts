import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";

import { RecordFolder } from "../../core/disk/record-folder.ts";
import { UnavailableError, WriteFailedError } from "../../core/errors.ts";
import type { BlobPlace } from "../../core/ports/registry-writer.ts";
import { blobFixture } from "../../core/testing/blob-fixture.ts";
import { cleanUpOf } from "../../core/testing/clean-up.ts";
import { ManualClock } from "../../core/testing/manual-clock.ts";
import { MemoryLogger } from "../../core/testing/memory-logger.ts";
import { testFolder } from "../../core/testing/test-folder.ts";
import type { BlobPush } from "./push-record.ts";
import { PushQueue } from "./push-queue.ts";
import { WriteThrough } from "./write-through.ts";

const { digest } = blobFixture(10);
const registry = "r.example";

function pushTo(repository: string): BlobPush {
  const descriptor = { mediaType: "layer", digest, size: 10 };
  return { kind: "blob", registry, repository, descriptor };
}

/** Writes by a clock that stands still to a registry that has what is pushed, or fails so. */
async function open(t: TestContext, failures: ReadonlyMap<string, Error>) {
  const logger = new MemoryLogger();
  const clock = new ManualClock();
  const path = join(testFolder(t), "pushes");
  const folder = await RecordFolder.open({ path, logger });
  const queue = await PushQueue.open({ folder, pushesMax: 10, clock, logger });
  const asked: string[] = [];
  const no = async () => Promise.reject(new UnavailableError("Nobody should ask"));
  const blobSize = async ({ repository }: BlobPlace) => {
    asked.push(repository);
    const failure = failures.get(repository);
    if (failure) throw failure;
    return 10;
  };
  const through = cleanUpOf(t).use(
    new WriteThrough({
      ...{ queue, clock, logger, writesMax: 1, random: () => 0.5 },
      writer: { blobSize, hasManifest: no, mountBlob: no, writeBlob: no, writeManifest: no },
      store: {
        find: () => undefined,
        async *read() {
          yield* [];
        },
      },
      known: { find: () => undefined },
      tags: { note: no, withdraw: no },
    }),
  );
  through.start();
  /** Waits until so many pushes wait, each for its next try. */
  const waiting = async (repositories: readonly string[]) => {
    const isSo = () => {
      const all = [...queue.all()];
      const names = all.map(({ push }) => push.repository);
      const isIdle = all.every((push) => push.failures > 0 && !through.isRunning(push));
      return isIdle && String(names) === String(repositories);
    };
    while (!isSo()) await queue.news.changed(AbortSignal.timeout(60_000));
  };
  return { queue, clock, asked, waiting };
}

test("a push that always fails holds up no other, and does not go on sooner for its success", async (t) => {
  const failures = new Map([["fish", new WriteFailedError("fish", 500)]]);
  const { queue, asked, waiting } = await open(t, failures);
  await queue.add(pushTo("fish"));
  await waiting(["fish"]);
  await queue.add(pushTo("frog"));
  await waiting(["fish"]);
  await queue.add(pushTo("newt"));
  await waiting(["fish"]);
  assert.deepEqual(asked, ["fish", "frog", "newt"]);
});
