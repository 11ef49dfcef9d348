import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

/** Makes a folder that is gone when the test has ended. */
export async function temporaryFolder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "shoal-cli-"));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}
