import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

import { cleanUpOf } from "./clean-up.ts";

/**
 * Makes a folder that is gone when the test has ended and all is disposed of that the test
 * took over later. Its path is short, as Unix sockets want it.
 *
 * @param name Tells in a listing what the folder is for.
 */
export function testFolder(t: TestContext, name = "test"): string {
  // The integration tests remove the folders whose process was killed: they know it by its number.
  const path = mkdtempSync(join(tmpdir(), `shoal-${process.pid}-${name}-`));
  cleanUpOf(t).defer(() => rm(path, { recursive: true, force: true, maxRetries: 3 }));
  return path;
}
