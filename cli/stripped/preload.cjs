// Loaded before all else into each thread of the shoal command (ADR 29), and plain JavaScript for
// that reason: gives Node our sources without their types. Node's own parser of TypeScript is never
// loaded then, which would keep some 20 MiB in each thread for as long as the thread lives.
//
// What has no types any more is kept in node_modules/.cache, by the hash of the source: a change of
// a source is seen at once. Whatever goes wrong here, Node does what it always does.
"use strict";

const { spawnSync } = require("node:child_process");
const { createHash } = require("node:crypto");
const fs = require("node:fs");
const { registerHooks } = require("node:module");
const { join, sep } = require("node:path");
const { fileURLToPath } = require("node:url");

const root = join(__dirname, "..", "..");

/** Folders with what the command may load. */
const folders = ["cli", "content-proxy", "core", "seeder", "tracker"];

/** Files there that it never loads. */
const unusedFile = /\.test\.ts$|\.test-support\.ts$|\.d\.ts$|^testing\/|\/testing\//;

const cache = join(root, "node_modules", ".cache", "shoal-stripped");

/** Milliseconds for all sources at once: 650 files take 4 s on a busy machine. */
const fillTimeoutMs = 60_000;

/** Bytes of all sources together, at most: they have 3 MB. */
const sourcesLengthMax = 64 * 2 ** 20;

/** What ends a file of the cache, followed by the hash of all before: a power cut may damage it. */
const sealMark = "\n//# sha256=";

let isFilled = false;

registerHooks({
  load(url, context, nextLoad) {
    const source = isOurs(url) ? strippedOf(url) : undefined;
    if (source === undefined) return nextLoad(url, context);
    return { format: "module", source, shortCircuit: true };
  },
});

function isOurs(url) {
  if (!url.startsWith("file:") || !url.endsWith(".ts")) return false;
  const path = fileURLToPath(url);
  return folders.some((folder) => path.startsWith(join(root, folder) + sep));
}

/** A source without types; `undefined` when Node is to see to it. */
function strippedOf(url) {
  try {
    const path = placeOf(fs.readFileSync(fileURLToPath(url), "utf8"));
    return readSealed(path) ?? (fill() ? readSealed(path) : undefined);
  } catch {
    return undefined;
  }
}

function placeOf(source) {
  return join(cache, `${hashOf(process.version + "\n" + source)}.js`);
}

function readSealed(path) {
  let text;
  try {
    text = fs.readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
  const end = text.lastIndexOf(sealMark);
  const stripped = text.slice(0, Math.max(0, end));
  return text === seal(stripped) ? stripped : undefined;
}

function seal(stripped) {
  return stripped + sealMark + hashOf(stripped);
}

/** Adds all that is missing, once in each thread, and removes what is of other times. */
function fill() {
  if (isFilled) return false;
  isFilled = true;
  fs.mkdirSync(cache, { recursive: true });
  fs.accessSync(cache, fs.constants.W_OK);
  const sources = new Map();
  for (const folder of folders) {
    for (const name of fs.readdirSync(join(root, folder), { recursive: true })) {
      if (!name.endsWith(".ts") || unusedFile.test(name)) continue;
      const source = fs.readFileSync(join(root, folder, name), "utf8");
      sources.set(placeOf(source), source);
    }
  }
  const missing = [...sources].filter(([path]) => readSealed(path) === undefined);
  const stripped = stripTypes(missing.map(([, source]) => source));
  for (const [index, [path]] of missing.entries()) write(path, stripped[index]);
  for (const name of fs.readdirSync(cache)) {
    // What another process is writing now has another ending.
    if (name.endsWith(".js") && !sources.has(join(cache, name))) fs.rmSync(join(cache, name));
  }
  return true;
}

/** Has another process do it, which then takes the parser with it. */
function stripTypes(sources) {
  const flags = ["--disable-warning=ExperimentalWarning"];
  const { stdout } = spawnSync(process.execPath, [...flags, join(__dirname, "strip-types.ts")], {
    input: JSON.stringify(sources),
    encoding: "utf8",
    maxBuffer: sourcesLengthMax,
    timeout: fillTimeoutMs,
    stdio: ["pipe", "pipe", "ignore"],
  });
  return JSON.parse(stdout);
}

/** Others may do the same at the same time. */
function write(path, stripped) {
  // It has a mistake, of which Node tells.
  if (stripped === null) return;
  const partial = `${path}.${process.pid}.${process.hrtime.bigint()}`;
  fs.writeFileSync(partial, seal(stripped));
  fs.renameSync(partial, path);
}

function hashOf(text) {
  return createHash("sha256").update(text).digest("hex");
}
