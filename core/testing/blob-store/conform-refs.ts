import assert from "node:assert/strict";
import { it } from "node:test";

import { IngestNotFoundError, InvalidArgumentError, RefLockedError } from "../../errors.ts";
import { type OpenBlobStore, bytesOf, plain } from "./sample-blobs.ts";

/** How refs of ingests are locked and told of. */
export function conformRefs(open: OpenBlobStore): void {
  it("a ref is one writer's until it closes", async (t) => {
    const store = await open(t);
    const first = await store.openIngest("ref", { total: 0 });
    await assert.rejects(store.openIngest("ref", { total: 0 }), RefLockedError);
    const closing = first.close();
    const second = await store.openIngest("ref", { total: 0 });
    await closing;
    await first.close();
    await assert.rejects(store.openIngest("ref", { total: 0 }), RefLockedError);
    await second.close();
  });

  it("two opens at the same time: one gets the ref", async (t) => {
    const store = await open(t);
    const opens = [1, 2].map(() => store.openIngest("ref", { total: 0 }));
    const results = await Promise.allSettled(opens);
    assert.equal(results.filter(({ status }) => status === "fulfilled").length, 1);
  });

  it("a ref may be any text but an empty or an endless one", async (t) => {
    const store = await open(t);
    const refs = ["../../x", "a/b\0c", "ns/1/layer-sha256:00", "é\n", " ", "x".repeat(10_000)];
    for (const ref of refs) await (await store.openIngest(ref, { total: 0 })).close();
    const known = [...store.ingests()].map(({ ref }) => ref);
    assert.deepEqual(known.toSorted(), refs.toSorted());
    for (const ref of ["", "x".repeat(100_000)]) {
      await assert.rejects(store.openIngest(ref, { total: 0 }), InvalidArgumentError);
    }
  });

  it("abortIngest() deletes an ingest, and orphans who has it open", async (t) => {
    const store = await open(t);
    const orphan = await store.openIngest("ref", { total: 0 });
    await orphan.write(bytesOf(10));
    await store.abortIngest("ref");
    await store.abortIngest("ref");
    assert.throws(() => store.ingestStatus("ref"), IngestNotFoundError);
    assert.deepEqual([...store.ingests()], []);
    const next = await store.openIngest("ref", { total: 0 });
    await next.write(bytesOf(7));
    await assert.rejects(orphan.write(bytesOf(1)), IngestNotFoundError);
    await assert.rejects(orphan.truncate(), IngestNotFoundError);
    await assert.rejects(orphan.commit(plain), IngestNotFoundError);
    await orphan.close();
    assert.equal(store.ingestStatus("ref").offset, 7);
    await assert.rejects(store.openIngest("ref", { total: 0 }), RefLockedError);
    assert.equal((await next.commit(plain)).size, 7);
  });
}
