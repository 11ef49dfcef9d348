import assert from "node:assert/strict";
import { test } from "node:test";

import { StorageFullError } from "../core/errors.ts";
import { BlobRoom, type BlobRoomDeps } from "./blob-room.ts";

/** A store of one ingest, and a budget that finds too little to let go of. */
function open({ excessBytes, onEnforce = () => undefined }: Excess) {
  const aborted: string[] = [];
  const half = { ref: "upload", offset: 60, total: 0, startedAt: 0n, updatedAt: 0n };
  const store: BlobRoomDeps["store"] = {
    records: () => [],
    ingests: () => [half].filter(({ ref }) => !aborted.includes(ref)),
    abortIngest: async (ref) => void aborted.push(ref),
  };
  const enforce = async () => {
    onEnforce();
    return excessBytes();
  };
  const room = new BlobRoom({
    ...{ store, budget: { enforce }, budgetBytes: 100 },
    noteUses: () => undefined,
  });
  return { room, aborted };
}

interface Excess {
  readonly excessBytes: () => number;
  readonly onEnforce?: () => void;
}

test("a half that somebody goes on with does not leave, and one that nobody knows does", async () => {
  const { room, aborted } = open({ excessBytes: () => 0 });
  room.remember("upload", 0);
  await room.hold("other", 90);
  assert.deepEqual(aborted, []);
  room.release("upload");
  await room.hold("other", 95);
  assert.deepEqual(aborted, ["upload"]);
});

test("room that was given up while more was looked for does not come back", async () => {
  let excess = 0;
  let isEnded = false;
  const { room, aborted } = open({
    excessBytes: () => excess,
    onEnforce: () => {
      if (isEnded) room.release("upload");
    },
  });
  await room.hold("upload", 60);
  [excess, isEnded] = [1, true];
  await assert.rejects(room.hold("upload", 80), StorageFullError);
  [excess, isEnded] = [0, false];
  // What is left of it is a half that may leave, and no room that is held.
  await room.hold("other", 90);
  assert.deepEqual(aborted, ["upload"]);
});
