import assert from "node:assert/strict";
import { chmod, open, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { cleanUpOf } from "../../core/testing/clean-up.ts";
import { testFolder } from "../../core/testing/test-folder.ts";
import { ConfigFile } from "./config-file.ts";

test("a file with secrets is at no time readable for others while it is replaced", async (t) => {
  const path = join(testFolder(t), "config.toml");
  await writeFile(path, 'password = "old"\n');
  await chmod(path, 0o600);
  const file = await ConfigFile.open(path);
  // What somebody put there before and holds open gets nothing of it.
  await writeFile(`${path}.shoal-new`, "");
  const held = await open(`${path}.shoal-new`);
  cleanUpOf(t).defer(() => held.close());
  const modes: number[] = [];
  const prototype = Object.getPrototypeOf(held) as typeof held;
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its handle below
  const writeText = prototype.writeFile;
  t.mock.method(prototype, "writeFile", async function (this: typeof held, text: string) {
    modes.push((await this.stat()).mode & 0o777);
    await writeText.call(this, text);
  });
  await file.replace('password = "new"\n');
  assert.deepEqual(modes, [0o600]);
  assert.equal(await held.readFile("utf8"), "");
  assert.equal(await readFile(path, "utf8"), 'password = "new"\n');
  assert.equal((await stat(path)).mode & 0o777, 0o600);
});
