// Loaded before all else into each thread of the shoal command (ADR 29), and plain JavaScript for
// that reason: gives Node our sources without their types. Node's own parser of TypeScript is never
// loaded then, which would keep some 20 MiB in each thread for as long as the thread lives.
//
// What has no types any more is kept in node_modules/.cache, by the hash of the source: a change of
// a source is seen at once. Whatever goes wrong here, Node does what it always does. npm ci, with
// which other versions of Node come, removes all of it.
"use strict";

const { spawnSync } = require("node:child_process");
const { createHash } = require("node:crypto");
const fs = require("node:fs");
const { registerHooks } = require("node:module");
const { dirname, join, sep } = require("node:path");
const { fileURLToPath } = require("node:url");
const { isMainThread } = require("node:worker_threads");

const root = join(__dirname, "..", "..");

/** Folders with what the command may load. */
const folders = ["cli", "content-proxy", "core", "seeder", "tracker"];

/** Files there that it never loads. */
const unusedFile = /\.test\.ts$|\.test-support\.ts$|\.d\.ts$|^testing\/|\/testing\//;

/** Trees that share their packages, and versions of Node, do not remove what is another's. */
const cacheName = `shoal-stripped-${hashOf(process.version + "\n" + root).slice(0, 12)}`;

const cache = join(root, "node_modules", ".cache", cacheName);

/** Milliseconds for all sources at once: 650 files take 4 s on a busy machine. */
const fillTimeoutMs = 60_000;

/** Bytes of all sources together, at most: they have 3 MB. */
const sourcesLengthMax = 64 * 2 ** 20;

/** What ends a file of the cache, followed by the hash of all before: a power cut may damage it. */
const sealMark = "\n//# sha256=";

/** A file that is written now; one of a start that was killed stays. */
const partialFile = /\.js\.[0-9]+\.[0-9]+$/;

/** Milliseconds after which nobody writes it any more. */
const partialAgeMaxMs = 3_600_000;

let isFilled = false;

// Administrators run it after an upgrade, as somebody who may write here: it is to fill the cache,
// though it loads only a few of the sources.
if (isMainThread && process.argv[2] === "--version") fill();

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
    const stripped = readSealed(path);
    if (stripped !== undefined || isFilled) return stripped;
    fill();
    return readSealed(path);
  } catch {
    return undefined;
  }
}

function placeOf(source) {
  return join(cache, `${hashOf(source)}.js`);
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
  isFilled = true;
  try {
    makeFolder();
    fs.accessSync(cache, fs.constants.W_OK);
    const sources = readSources();
    const missing = [...sources].filter(([path]) => readSealed(path) === undefined);
    if (missing.length > 0) {
      const stripped = stripTypes(missing.map(([, source]) => source));
      for (const [index, [path]] of missing.entries()) write(path, stripped[index]);
    }
    for (const name of fs.readdirSync(cache)) {
      const path = join(cache, name);
      if (!sources.has(path)) removeStale(path);
    }
  } catch {
    // What was made until then is there.
  }
}

/** Services run as other users than the administrator who makes it, whose umask may be strict. */
function makeFolder() {
  const first = fs.mkdirSync(cache, { recursive: true });
  if (first === undefined) return;
  for (let made = cache; made.length >= first.length; made = dirname(made)) {
    fs.chmodSync(made, 0o755);
  }
}

/** What the command may load, by its place in the cache. */
function readSources() {
  const sources = new Map();
  for (const folder of folders) {
    for (const name of fs.readdirSync(join(root, folder), { recursive: true })) {
      if (!name.endsWith(".ts") || unusedFile.test(name)) continue;
      const source = fs.readFileSync(join(root, folder, name), "utf8");
      sources.set(placeOf(source), source);
    }
  }
  return sources;
}

/** Others may do the same at the same time. */
function removeStale(path) {
  try {
    const isStale = partialFile.test(path)
      ? Date.now() - fs.statSync(path).mtimeMs > partialAgeMaxMs
      : path.endsWith(".js");
    if (isStale) fs.rmSync(path, { force: true });
  } catch {
    // It takes some room.
  }
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
  fs.chmodSync(partial, 0o644);
  fs.renameSync(partial, path);
}

function hashOf(text) {
  return createHash("sha256").update(text).digest("hex");
}
