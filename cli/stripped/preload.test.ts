import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { readdirSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";

import { testFolder } from "../../core/testing/test-folder.ts";

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
  const root = testFolder(t, "stripped");
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
  const caches = join(root, "node_modules", ".cache");
  return {
    ...{ root, caches, write },
    run: (...args: string[]) => run(root, args),
    /** The paths of what is kept, when no other tree keeps anything. */
    kept: () =>
      readdirSync(caches).flatMap((folder) =>
        readdirSync(join(caches, folder)).map((name) => join(caches, folder, name)),
      ),
  };
}

function run(root: string, args: readonly string[]) {
  const preload = join(root, "cli", "stripped", "preload.cjs");
  const flags = ["--disable-warning=ExperimentalWarning", "--require", preload];
  const command = [process.execPath, ...flags, join(root, "cli", "main.ts"), ...args];
  const strict = 'umask 077; exec "$@"';
  const { stdout, stderr } = spawnSync("sh", ["-c", strict, "sh", ...command], {
    encoding: "utf8",
  });
  const told: unknown = stdout === "" ? undefined : JSON.parse(stdout);
  return { told, stderr };
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
  const { run, write, kept } = install(t);
  run();
  const count = kept().length;
  write("core/word.ts", wordSource("other"));
  assert.deepEqual(run().told, bothTold("other", { hasParser: false }));
  assert.equal(kept().length, count);
});

test("what cannot be removed keeps no source from being given", (t) => {
  const { run, write, kept } = install(t);
  run();
  const [first = ""] = kept();
  mkdirSync(join(first, "..", "0.js"));
  write("core/word.ts", wordSource("other"));
  write("cli/main.ts", mainSource + "// changed");
  assert.deepEqual(run().told, bothTold("other", { hasParser: false }));
});

test("what a killed start left is removed an hour later", (t) => {
  const { run, write, kept } = install(t);
  run();
  const [first = ""] = kept();
  const [old, fresh] = [`${first}.12.345`, `${first}.67.890`];
  writeFileSync(old, "");
  writeFileSync(fresh, "");
  const hourAgo = Date.now() / 1000 - 3601;
  utimesSync(old, hourAgo, hourAgo);
  write("core/word.ts", wordSource("other"));
  run();
  assert.deepEqual([existsSync(old), existsSync(fresh)], [false, true]);
});

test("other users may read what is kept, whatever the umask of who makes it", (t) => {
  const { run, caches, kept } = install(t);
  run();
  const [first = ""] = kept();
  const modes = [caches, join(first, ".."), first].map((path) => statSync(path).mode & 0o777);
  assert.deepEqual(modes, [0o755, 0o755, 0o644]);
});

test("shoal --version keeps what it does not load itself, too", (t) => {
  const { run, write, kept } = install(t);
  run();
  const count = kept().length;
  write("seeder/service.ts", wordSource("seeder"));
  run();
  assert.equal(kept().length, count);
  run("--version");
  assert.equal(kept().length, count + 1);
});

test("trees that share their packages do not remove what is another's", (t) => {
  const [one, other] = [install(t), install(t)];
  rmSync(join(other.root, "node_modules"), { recursive: true });
  symlinkSync(join(one.root, "node_modules"), join(other.root, "node_modules"));
  one.run();
  const ofOne = one.kept();
  other.write("core/word.ts", wordSource("other"));
  assert.deepEqual(other.run().told, bothTold("other", { hasParser: false }));
  assert.equal(one.kept().length, 2 * ofOne.length);
  assert.ok(ofOne.every((path) => existsSync(path)));
});

test("files of the cache that a power cut damaged are made anew", (t) => {
  const { run, kept } = install(t);
  run();
  for (const [index, path] of kept().entries()) {
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
