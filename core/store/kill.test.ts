import assert from "node:assert/strict";
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { test } from "node:test";

import { digestOf, parseDigest } from "../digest.ts";
import { SystemClock } from "../system/system-clock.ts";
import { readBlob } from "../testing/blob-store/sample-blobs.ts";
import { cleanUpOf } from "../testing/clean-up.ts";
import { MemoryLogger } from "../testing/memory-logger.ts";
import { seededRandom } from "../testing/seeded-random.ts";
import { testFolder } from "../testing/test-folder.ts";
import { DiskBlobStore } from "./disk-blob-store.ts";

/** Each is a process of its own, and waits for the disk a few dozen times: about a second. */
const kills = 12;

type Writer = ChildProcessByStdio<null, Readable, null>;

function startWriter(root: string, seed: number): Writer {
  const program = join(import.meta.dirname, "kill-writer.test-support.ts");
  return spawn(process.execPath, [program, root, String(seed)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
}

/** Kills a writer when it has told so many things, and gives what it told. */
async function killAfter(writer: Writer, count: number): Promise<string[]> {
  const exited = once(writer, "exit");
  const lines: string[] = [];
  for await (const line of createInterface({ input: writer.stdout })) {
    lines.push(line);
    if (lines.length >= count) writer.kill("SIGKILL");
  }
  await exited;
  return lines;
}

test("whenever the process is killed, what it committed is whole and what it wrote is resumed", async (t) => {
  const root = testFolder(t, "kill");
  const random = seededRandom(7);
  const owned = new Set<string>();
  for (let round = 0; round < kills; round++) {
    const writer = startWriter(root, round);
    cleanUpOf(t).defer(() => writer.kill("SIGKILL"));
    const lines = await killAfter(writer, 1 + Math.floor(random() * 40));
    for (const line of lines) {
      const [verb = "", digest = ""] = line.split(" ");
      if (verb === "deleting") owned.delete(digest);
      else if (verb === "owned") owned.add(digest);
    }
    const clock = new SystemClock();
    const store = await DiskBlobStore.open({ root, clock, logger: new MemoryLogger() }, t);
    try {
      await checkStore(store, owned);
    } finally {
      await store[Symbol.asyncDispose]();
    }
  }
});

async function checkStore(store: DiskBlobStore, owned: ReadonlySet<string>): Promise<void> {
  for (const digest of owned) {
    assert.equal(store.find(parseDigest(digest))?.owned, true, `${digest} was acknowledged`);
  }
  for (const { digest, whole, infoHash } of store.records()) {
    if (whole) assert.equal(digestOf(await readBlob(store, digest)), digest);
    if (infoHash) assert.equal((await store.metainfo(digest)).infoHash, infoHash);
  }
  for (const { ref, offset } of [...store.ingests()]) {
    const ingest = await store.openIngest(ref, { total: 0 });
    assert.equal(ingest.status.offset, offset);
    // One that is called a part is full of the byte that its name says.
    const filling = /^part-(\d+)$/.exec(ref)?.[1];
    const bytes = Buffer.alloc(offset, Number(filling));
    if (filling !== undefined) assert.equal(ingest.digest(), digestOf(bytes));
    await ingest.close();
  }
}
