import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { test } from "node:test";

const root = join(import.meta.dirname, "..");

/** Folders with code of ours. */
const folders = [
  ...["core", "content-proxy", "seeder", "tracker", "cli"],
  ...["config", "bench", "integration", "protos"],
];

/** Files that are for tests: tests themselves, and what they share. */
const testFile = /\.test\.ts$|\.test-support\.ts$|^[^/]+\/testing\//;

/** Node's modules that do no I/O: what the words and rules of core may use. */
const pureModules = ["node:crypto", "node:buffer", "node:assert", "node:assert/strict"];

/** One `import`, `export … from` or dynamic `import()` of a file. */
interface Import {
  /** Paths from the top of the repository; `node:…` and packages as they are written. */
  readonly from: string;
  readonly to: string;
  readonly typesOnly: boolean;
}

/** Who may import what: the first rule whose `files` fit decides. Style guide, "Folders". */
interface Rule {
  readonly files: RegExp;
  /** Why an import is not allowed; `undefined` when it is. */
  readonly problem: (found: Import) => string | undefined;
}

const rules: readonly Rule[] = [
  // Tests may use fakes, and put together what the service itself does not.
  { files: /^core\/testing\//, problem: allow(/^core\/([^/]+\.ts$|ports\/|async\/|testing\/)/) },
  { files: testFile, problem: outsideProblem },
  { files: /^(config|bench|integration)\//, problem: outsideProblem },
  { files: /^core\/[^/]+\.ts$/, problem: wordProblem },
  { files: /^core\/ports\//, problem: allow(/^core\/(ports\/)?[^/]+\.ts$/, { typesOnly: true }) },
  { files: /^core\/async\//, problem: allow(/^core\/async\//) },
  { files: /^core\//, problem: adapterProblem },
  { files: /^(content-proxy|seeder|tracker)\//, problem: serviceProblem },
  {
    files: /^cli\//,
    problem: allow(/^(cli\/|core\/(?!testing\/)|[^/]+\/(service|config)\.ts$|package\.json$)/),
  },
  { files: /^protos\//, problem: allow(/^protos\//) },
];

const imports = globSync(`{${folders.join(",")}}/**/*.ts`, { cwd: root })
  .filter((path) => !path.endsWith(".d.ts"))
  .flatMap(importsOf);

test("imports follow the table of the style guide", () => {
  assert.notEqual(imports.length, 0);
  assert.deepEqual(imports.flatMap(problemsOf), []);
});

test("no files import each other in a circle", () => {
  const graph = new Map<string, string[]>();
  for (const { from, to, typesOnly } of imports) {
    if (!typesOnly) graph.set(from, [...(graph.get(from) ?? []), to]);
  }
  assert.deepEqual(circlesIn(graph), []);
});

test("the table refuses trespasses", () => {
  const trespasses = [
    ["core/digest.ts", "core/store/disk-blob-store.ts"],
    ["core/digest.ts", "node:fs"],
    ["core/digest.ts", "core/async/pause.ts"],
    ["core/ports/swarm.ts", "core/async/pause.ts"],
    ["core/async/pause.ts", "core/errors.ts"],
    ["core/torrent/swarm.ts", "core/store/disk-blob-store.ts"],
    ["core/torrent/swarm.ts", "core/testing/memory-logger.ts"],
    ["core/torrent/swarm.ts", "seeder/service.ts"],
    ["content-proxy/arrival.ts", "seeder/config.ts"],
    ["content-proxy/arrival.ts", "core/testing/memory-logger.ts"],
    ["content-proxy/arrival.ts", "core/torrent/torrent-swarm.ts"],
    ["content-proxy/arrival.ts", "protos/gen/containerd.js"],
    ["seeder/store.ts", "cli/main.ts"],
    ["cli/status.ts", "seeder/http/routes.ts"],
    ["cli/status.ts", "core/testing/memory-logger.ts"],
    ["seeder/a.ts", "seeder/b.test-support.ts"],
    ["core/testing/a.ts", "core/store/disk-blob-store.ts"],
    ["protos/x.ts", "core/digest.ts"],
    ["core/x.test.ts", "cli/main.ts"],
  ] as const;
  for (const [from, to] of trespasses) {
    assert.notDeepEqual(problemsOf({ from, to, typesOnly: false }), [], `${from} -> ${to}`);
  }
  const runtimeImport = { from: "core/ports/swarm.ts", to: "core/digest.ts", typesOnly: false };
  assert.equal(problemsOf(runtimeImport).length, 1);
  assert.equal(problemsOf({ ...runtimeImport, typesOnly: true }).length, 0);
  assert.deepEqual(
    circlesIn(
      new Map([
        ["a", ["b"]],
        ["b", ["c"]],
        ["c", ["a"]],
      ]),
    ),
    ["a -> b -> c -> a"],
  );
});

/** An adapter is known to the composition root and to itself alone. */
function serviceProblem({ from, to, typesOnly }: Import): string | undefined {
  const service = from.split("/")[0] ?? "";
  if (to.startsWith("protos/") && !/^[^/]+\/rpc\//.test(from)) return "protos are for rpc/ alone";
  if (isAdapter(to) && !typesOnly && !/^[^/]+\/(service|config)\.ts$/.test(from) && !isHelper(to)) {
    return "only service.ts names adapters";
  }
  return allow(new RegExp(`^(${service}/|core/|protos/|package\\.json$)`))({ from, to, typesOnly });
}

function adapterProblem({ from, to, typesOnly }: Import): string | undefined {
  const own = from.split("/").slice(0, 2).join("/");
  return allow(new RegExp(`^(core/[^/]+\\.ts$|core/(ports|async|http|disk|limits)/|${own}/)`))({
    from,
    to,
    typesOnly,
  });
}

function wordProblem({ from, to, typesOnly }: Import): string | undefined {
  if (to.startsWith("node:") && !pureModules.includes(to)) return "words and rules do no I/O";
  return allow(/^core\/[^/]+\.ts$/)({ from, to, typesOnly });
}

/** Nobody starts the command itself; services are reached by their front doors. */
function outsideProblem({ from, to }: Import): string | undefined {
  if (/^[^/]+\/main\.ts$/.test(to)) return "main.ts is imported by nobody";
  const [fromTop, toTop] = [from.split("/")[0], to.split("/")[0]];
  const isService = /^(content-proxy|seeder|tracker)\//.test(to);
  const isOutside = /^(config|bench|integration|cli)\//.test(from);
  if (isService && fromTop !== toTop && !isOutside) return "a service is used by the outside alone";
  return undefined;
}

function allow(
  targets: RegExp,
  { typesOnly: onlyTypes = false } = {},
): (found: Import) => string | undefined {
  return ({ to, typesOnly }) => {
    // Packages and Node itself are not this table's business.
    if (!isOurs(to)) return undefined;
    if (!targets.test(to)) return "not in the table";
    return onlyTypes && !typesOnly ? "types only" : undefined;
  };
}

function isOurs(to: string): boolean {
  return to === "package.json" || folders.includes(to.split("/")[0] ?? "");
}

/** Folders of core with classes that do I/O by one technology. */
function isAdapter(to: string): boolean {
  return /^core\/(?!ports\/|async\/|testing\/)[^/]+\//.test(to);
}

/** Folders that every part of a service may use: rules, and the language of its edge. */
function isHelper(to: string): boolean {
  return /^core\/(config|http|blob-life|limits|oci-api|tags)\//.test(to);
}

function problemsOf(found: Import): string[] {
  const rule = rules.find(({ files }) => files.test(found.from));
  const isForTests = testFile.test(found.to) && !testFile.test(found.from);
  const problem =
    isForTests && !/^(bench|integration)\//.test(found.from)
      ? "for tests alone"
      : rule
        ? rule.problem(found)
        : "no rule for this file";
  return problem === undefined ? [] : [`${found.from} -> ${found.to}: ${problem}`];
}

function importsOf(from: string): Import[] {
  const text = readFileSync(join(root, from), "utf8");
  const statements = text.matchAll(
    /^\s*(?:import|export)\s+(type\s)?(?:[^;"'`]*?\sfrom\s+)?["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']/gm,
  );
  return [...statements].flatMap(([, type, named, dynamic]) => {
    const target = named ?? dynamic ?? "";
    const to = target.startsWith(".") ? relative(root, join(root, dirname(from), target)) : target;
    return [{ from, to, typesOnly: type !== undefined }];
  });
}

/** Each circle once, from its first file on. */
function circlesIn(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const circles: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]) => {
    const start = path.indexOf(file);
    if (start >= 0) circles.push([...path.slice(start), file].join(" -> "));
    if (start >= 0 || done.has(file)) return;
    for (const next of graph.get(file) ?? []) visit(next, [...path, file]);
    done.add(file);
  };
  for (const file of graph.keys()) visit(file, []);
  return circles;
}
