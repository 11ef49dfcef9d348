import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";

import { InvalidArgumentError } from "../core/errors.ts";
import { testFolder } from "../core/testing/test-folder.ts";
import { readTextFile } from "./read-text-file.ts";

const run = promisify(execFile);

async function fifoIn(t: TestContext): Promise<string> {
  const path = join(testFolder(t), "fifo");
  await run("mkfifo", [path]);
  return path;
}

function refused(message: RegExp) {
  return (error: unknown) => error instanceof InvalidArgumentError && message.test(error.message);
}

test("readTextFile() waits for the writer of a FIFO no longer than it may", async (t) => {
  const path = await fifoIn(t);
  await assert.rejects(
    readTextFile(path, { signal: t.signal, timeoutMs: 1 }),
    refused(/fifo: it is a pipe, and nobody wrote it to its end within 1 ms$/),
  );
});

test("readTextFile() stops to wait for the writer of a FIFO when it is told to", async (t) => {
  const stop = new AbortController();
  const isStopped = assert.rejects(readTextFile(await fifoIn(t), { signal: stop.signal }), {
    name: "AbortError",
    message: "Stopped",
  });
  stop.abort(new DOMException("Stopped", "AbortError"));
  await isStopped;
});

test("readTextFile() reads a FIFO to its end, in however many parts it comes", async (t) => {
  const path = await fifoIn(t);
  const text = readTextFile(path, { signal: t.signal });
  // Opened when the reader has it open, too.
  const writer = await open(path, "w");
  await writer.write("service: ");
  await writer.write("tracker\n");
  await writer.close();
  assert.equal(await text, "service: tracker\n");
});

test("readTextFile() refuses a pipe that has been read already, and one where only a file will do", async (t) => {
  const path = await fifoIn(t);
  const isRefused = assert.rejects(
    readTextFile(path, { signal: t.signal }),
    refused(/it is a pipe with nothing in it$/),
  );
  await (await open(path, "w")).close();
  await isRefused;
  await assert.rejects(readTextFile(path), refused(/it is a pipe$/));
});

test("a service reads what a shell gives it by its standard input or by process substitution", async (t) => {
  const folder = testFolder(t);
  const shoal = join(import.meta.dirname, "shoal.sh");
  // A pipe holds 64 KiB at once, so that the mistake comes after others have been read.
  const comments = `# ${"x".repeat(100)}\n`.repeat(2000);
  await writeFile(join(folder, "a.yaml"), `service: tracker\n${comments}nonsense: 1\n`);
  for (const command of [
    `cat a.yaml | ${shoal} config check /dev/stdin`,
    `${shoal} config check <(cat a.yaml)`,
  ]) {
    const failure = await run("bash", ["-c", command], { cwd: folder }).catch((e: unknown) => e);
    assert.match((failure as Error & { stderr: string }).stderr, /:2002:1: nonsense: unknown/);
  }
});

test("readTextFile() refuses folders, long files, and what is no text", async (t) => {
  const folder = testFolder(t);
  const file = join(folder, "file");
  await assert.rejects(readTextFile(folder), refused(/EISDIR/));
  await assert.rejects(readTextFile("/dev/zero"), refused(/it is longer than 1048576 bytes$/));
  await writeFile(file, Buffer.from([0xff]));
  await assert.rejects(readTextFile(file), refused(/Cannot read .*file: /));
  await writeFile(file, "\ufeffa: 1\n");
  assert.equal(await readTextFile(file), "\ufeffa: 1\n");
});
