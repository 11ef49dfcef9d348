import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";

import { digestOf } from "../../core/digest.ts";
import { UnavailableError } from "../../core/errors.ts";
import { parseImageReference } from "../../core/image-reference.ts";
import { mediaTypes } from "../../core/media-type.ts";
import type { NodeTask } from "../../core/node-task.ts";
import type { NodeTaskReport } from "../../core/node-task-report.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";
import { MemoryLogger } from "../../core/testing/memory-logger.ts";
import { RecentBlobs } from "../recent-blobs.ts";
import { TaskRunner } from "./task-runner.ts";

const config = { mediaType: mediaTypes.ociConfig, digest: digestOf(Buffer.from("c")), size: 1 };
const manifest = Buffer.from(
  JSON.stringify({ mediaType: mediaTypes.ociManifest, config, layers: [] }),
);
const top = {
  mediaType: mediaTypes.ociManifest,
  digest: digestOf(manifest),
  size: manifest.length,
};

function taskOf(tag: string): NodeTask {
  const image = parseImageReference(`registry.example/app:${tag}`);
  return { id: randomUUID(), image, top, platforms: "all" };
}

/** A runner whose downloads a test ends. */
function open() {
  const waiting: PromiseWithResolvers<undefined>[] = [];
  let onWaiting: () => void = () => undefined;
  const runner = new TaskRunner({
    store: {
      find: () => undefined,
      async *read() {
        yield manifest;
      },
    },
    downloads: {
      obtain: async ({ digest, size }, { onBytes, signal }) => {
        if (digest === top.digest) {
          onBytes(size);
          return;
        }
        const ended = Promise.withResolvers<undefined>();
        signal.addEventListener("abort", () => ended.reject(signal.reason as Error));
        waiting.push(ended);
        onWaiting();
        await ended.promise;
        onBytes(size);
      },
    },
    provenance: { learn: () => undefined },
    recent: new RecentBlobs(),
    budget: { enforce: async () => 0 },
    ...{ budgetBytes: 1000, logger: new MemoryLogger() },
  });
  const reports: [id: string, report: NodeTaskReport][] = [];
  const seeder = {
    report: async (id: string, report: NodeTaskReport) => {
      reports.push([id, report]);
      return true;
    },
  };
  const run = async (task: NodeTask, { signal }: Cancellable) =>
    runner.run(task, { seeder, signal, connection: signal });
  /** The next download that waits for its end. */
  const download = async () => {
    for (;;) {
      const next = waiting.shift();
      if (next) return next;
      await new Promise<void>((resolve) => (onWaiting = resolve));
    }
  };
  return { runner, reports, run, download, seeder };
}

test("tasks are done one after the other, and each result is told", async (t) => {
  const { runner, reports, run, download } = open();
  const [one, other] = [taskOf("1"), taskOf("2")];
  const both = [run(one, t), run(other, t)];
  const first = await download();
  const size = top.size + 1;
  assert.deepEqual(runner.report(), [
    { image: "registry.example/app:1", state: "fetching", bytes: top.size, size },
    { image: "registry.example/app:2", state: "waiting", bytes: 0, size: 0 },
  ]);
  first.resolve(undefined);
  (await download()).reject(new UnavailableError("Cannot get it"));
  await Promise.all(both);
  assert.deepEqual(reports, [
    [one.id, { state: "done", bytes: size, size }],
    [other.id, { state: "failed", bytes: top.size, size, problem: "Cannot get it" }],
  ]);
  assert.deepEqual(runner.report(), []);
});

test("a bug is told as such, and no more of it", async (t) => {
  const { reports, run, download } = open();
  const running = run(taskOf("1"), t);
  (await download()).reject(new TypeError("x of undefined"));
  await running;
  assert.equal(reports[0]?.[1].problem, "internal");
});

test("a task that is canceled says so, and one that waits for it begins", async (t) => {
  const { runner, reports, download, seeder } = open();
  const canceling = new AbortController();
  const [one, other] = [taskOf("1"), taskOf("2")];
  const connection = t.signal;
  const canceled = runner.run(one, { seeder, signal: canceling.signal, connection });
  await download();
  const next = runner.run(other, { seeder, signal: t.signal, connection });
  canceling.abort(new DOMException("canceled", "AbortError"));
  (await download()).resolve(undefined);
  await Promise.all([canceled, next]);
  assert.deepEqual(
    reports.map(([id, { state }]) => [id, state]),
    [
      [one.id, "canceled"],
      [other.id, "done"],
    ],
  );
});

test("more tasks than may wait are refused", async () => {
  const { reports, run } = open();
  const stopping = new AbortController();
  const tasks = Array.from({ length: 16 }, (_, index) => run(taskOf(String(index)), stopping));
  const refused = taskOf("refused");
  await run(refused, stopping);
  assert.deepEqual(reports, [
    [refused.id, { state: "failed", bytes: 0, size: 0, problem: "too many tasks wait" }],
  ]);
  stopping.abort(new DOMException("stop", "AbortError"));
  await Promise.all(tasks);
});
