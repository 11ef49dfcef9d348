import { type FileHandle, open } from "node:fs/promises";
import type { TestContext } from "node:test";

/**
 * Has the next sync of a file, or of a folder, fail as it does on a disk that fails, and those after
 * it succeed. No file system for tests does that.
 */
export async function failNextSync(t: TestContext, kind: "file" | "folder"): Promise<void> {
  const handle = await open("/dev/null");
  const prototype = Object.getPrototypeOf(handle) as FileHandle;
  await handle.close();
  let hasFailed = false;
  // eslint-disable-next-line @typescript-eslint/unbound-method -- is called with its object
  const { sync } = prototype;
  t.mock.method(prototype, "sync", async function (this: FileHandle): Promise<void> {
    const isMeant = (await this.stat()).isDirectory() === (kind === "folder");
    if (hasFailed || !isMeant) return sync.call(this);
    hasFailed = true;
    throw Object.assign(new Error("EIO: i/o error, fsync"), { code: "EIO" });
  });
}
