import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync } from "node:fs";
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";

/** Prints what it was told, and whether Node's parser of TypeScript is there. */
const wordSource = (word: string) => `
  const word: string = ${JSON.stringify(word)};
  interface Told { readonly word: string; readonly hasParser: boolean }
  export const told: Told = {
    word,
    hasParser: process.moduleLoadList.some((name: string) => name.includes("deps/amaro")),
  };
`;

const mainSource = `
  import { once } from "node:events";
  import { Worker } from "node:worker_threads";
  import { told } from "../core/word.ts";
  const worker: Worker = new Worker(new URL("./word-worker.ts", import.meta.url));
  const [ofWorker] = await once(worker, "message") as [unknown];
  console.log(JSON.stringify([told, ofWorker]));
`;

const workerSource = `
  import { parentPort } from "node:worker_threads";
  import { told } from "../core/word.ts";
  parentPort?.postMessage(told as object);
`;

/** An installation with a command that prints a word from its main thread and another one. */
function install(t: TestContext) {
  const root = mkdtempSync(join(tmpdir(), "shoal-stripped-"));
  t.after(() => rmSync(root, { recursive: true }));
  const stripped = join(root, "cli", "stripped");
  mkdirSync(stripped, { recursive: true });
  for (const folder of ["content-proxy", "core", "seeder", "tracker", "node_modules"]) {
    mkdirSync(join(root, folder));
  }
  for (const name of ["preload.cjs", "strip-types.ts"]) {
    copyFileSync(join(import.meta.dirname, name), join(stripped, name));
  }
  const write = (path: string, text: string) => writeFileSync(join(root, path), text);
  write("package.json", `{ "type": "module" }`);
  write("cli/main.ts", mainSource);
  write("cli/word-worker.ts", workerSource);
  write("core/word.ts", wordSource("one"));
  const cache = join(root, "node_modules", ".cache", "shoal-stripped");
  return { root, cache, write, run: () => run(root) };
}

function run(root: string): { readonly told: unknown; readonly stderr: string } {
  const preload = join(root, "cli", "stripped", "preload.cjs");
  const flags = ["--disable-warning=ExperimentalWarning", "--require", preload];
  const { stdout, stderr } = spawnSync(process.execPath, [...flags, join(root, "cli", "main.ts")], {
    encoding: "utf8",
  });
  return { told: stdout === "" ? undefined : JSON.parse(stdout), stderr };
}

const bothTold = (word: string, { hasParser }: { readonly hasParser: boolean }) => [
  { word, hasParser },
  { word, hasParser },
];

test("no thread loads Node's parser of TypeScript, from the first start on", (t) => {
  const { run } = install(t);
  assert.deepEqual(run(), { told: bothTold("one", { hasParser: false }), stderr: "" });
  assert.deepEqual(run(), { told: bothTold("one", { hasParser: false }), stderr: "" });
});

test("a change of a source is seen at once, and what it was before is removed", (t) => {
  const { run, write, cache } = install(t);
  run();
  const count = readdirSync(cache).length;
  write("core/word.ts", wordSource("other"));
  assert.deepEqual(run().told, bothTold("other", { hasParser: false }));
  assert.equal(readdirSync(cache).length, count);
});

test("files of the cache that a power cut damaged are made anew", (t) => {
  const { run, cache } = install(t);
  run();
  for (const [index, name] of readdirSync(cache).entries()) {
    const path = join(cache, name);
    const text = readFileSync(path, "utf8");
    writeFileSync(path, index % 2 === 0 ? "" : text.replaceAll("e", "\0"));
  }
  assert.deepEqual(run().told, bothTold("one", { hasParser: false }));
});

test("where nothing can be kept Node strips the types", (t) => {
  const { root, run, write } = install(t);
  rmSync(join(root, "node_modules"), { recursive: true });
  write("node_modules", "no folder");
  assert.deepEqual(run(), { told: bothTold("one", { hasParser: true }), stderr: "" });
});

test("a mistake in a source is told as Node tells it", (t) => {
  const { run, write } = install(t);
  write("core/word.ts", "enum Word { One }");
  const { told, stderr } = run();
  assert.equal(told, undefined);
  assert.match(stderr, /ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX/);
});
