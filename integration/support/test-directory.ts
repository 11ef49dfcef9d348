import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";

import type { DisposeStack } from "../../core/async/dispose-stack.ts";
import { createTemporaryDirectory, type TemporaryDirectory } from "./temporary-directory.ts";

/** Enough to see why a daemon gave up. */
const logTailLength = 4_000;

/**
 * Makes a temporary folder that a test's stack owns. When the test fails, the ends of
 * the logs in it are printed before it is removed.
 */
export async function createTestDirectory(
  t: TestContext,
  stack: DisposeStack,
): Promise<TemporaryDirectory> {
  const directory = stack.use(await createTemporaryDirectory());
  stack.defer(async () => {
    // Node 22 has it, its types do not.
    if ("passed" in t && t.passed === false) await printLogs(directory.path);
  });
  return directory;
}

async function printLogs(directory: string): Promise<void> {
  for (const path of await findLogs(directory)) {
    const tail = (await readFile(path, "utf8")).slice(-logTailLength);
    process.stderr.write(`\n--- end of ${path}\n${tail}\n`);
  }
}

/** Daemons keep their logs at most one folder deep; below that is what they store. */
async function findLogs(directory: string): Promise<string[]> {
  const paths: string[] = [];
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isFile() && entry.name.endsWith(".log")) paths.push(path);
    if (!entry.isDirectory()) continue;
    const names = await readdir(path);
    paths.push(...names.filter((name) => name.endsWith(".log")).map((name) => join(path, name)));
  }
  return paths;
}
