import type { TestContext } from "node:test";

import { SystemClock } from "../system/system-clock.ts";
import { cleanUpOf } from "../testing/clean-up.ts";
import { MemoryLogger } from "../testing/memory-logger.ts";
import { testFolder } from "../testing/test-folder.ts";
import { DiskSnapshotStore, type DiskSnapshotStoreDeps } from "./disk-snapshot-store.ts";

/** So long that nothing happens behind the back of a test, unless it wants that. */
const settleDelayMs = 1_000_000;

/** A folder for stores, until the end of the test. */
export interface TestRoot {
  readonly root: string;
  /** Opens a store in it, after those that were opened before are closed. */
  readonly open: (deps?: Partial<DiskSnapshotStoreDeps>) => Promise<DiskSnapshotStore>;
}

export async function createTestRoot(t: TestContext): Promise<TestRoot> {
  const root = testFolder(t, "snapshots");
  let opened: DiskSnapshotStore | undefined;
  cleanUpOf(t).defer(() => opened?.[Symbol.asyncDispose]());
  const open: TestRoot["open"] = async (deps) => {
    await opened?.[Symbol.asyncDispose]();
    const defaults = { clock: new SystemClock(), logger: new MemoryLogger(), settleDelayMs };
    opened = await DiskSnapshotStore.open({ root, ...defaults, ...deps }, t);
    return opened;
  };
  return { root, open };
}
