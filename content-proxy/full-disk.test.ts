import assert from "node:assert/strict";
import { test } from "node:test";

import { SmallDisk, asRoot } from "../core/testing/small-disk.ts";
import { Node } from "./fetcher-node.test-support.ts";

test(
  "what containerd deletes on a full disk is gone, and not offered any more",
  asRoot,
  async (t) => {
    const disk = new SmallDisk(t);
    const node = await Node.open(t, disk.root);
    const record = await node.write(Buffer.alloc(900, "x"), "pull");
    node.fetcher.written(record, "layer");
    assert.equal(node.swarm.seeded.size, 1);
    disk.fill();
    await node.fetcher.disown(record.digest);
    assert.equal(node.store.find(record.digest), undefined);
    assert.equal(node.swarm.seeded.size, 0);
  },
);
