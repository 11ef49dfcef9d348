import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";

import { ensurePackages } from "./apt-packages.ts";
import { CommandError, runCommand } from "./command.ts";
import { withFileLock } from "./file-lock.ts";
import { cachePath, repositoryPath } from "./repository.ts";

/** How one test of the suite ended. */
export interface SuiteTest {
  /** As Go names it, with slashes. */
  readonly name: string;
  readonly status: "pass" | "fail" | "skip";
}

export interface SuiteResult {
  /** Tests without parts of their own, in the order in which they ended. */
  readonly tests: readonly SuiteTest[];
  readonly output: string;
}

/** One of containerd's suites, and what it is to be run against. */
export interface GoSuite {
  /** Its file in integration/conformance, without "_test.go". */
  readonly name: "content" | "snapshots";
  readonly socketPath: string;
  /** An existing folder for its files and mounts. */
  readonly directory: string;
  readonly flags?: readonly string[];
}

const packages = ["golang-go", "golang-github-containerd-containerd-dev"] as const;

/** Where Debian's Go packages have their sources. */
const debianGoPath = "/usr/share/gocode";

/** containerd's own suites take seconds; a service that hangs must not take CI's whole time. */
const suiteTimeout = "240s";

/**
 * Runs containerd's own tests of a service against the one behind a Unix socket. What the
 * service keeps must be empty; that of content is left so.
 */
export async function runGoSuite(suite: GoSuite): Promise<SuiteResult> {
  const { socketPath, directory, flags = [] } = suite;
  const program = await buildSuite(suite.name);
  const options = { env: { STORE_SOCK: socketPath, TMPDIR: directory } };
  const argv = [program, "-test.v", "-test.timeout", suiteTimeout, ...flags] as const;
  const output = await runCommand(argv, options).then(
    ({ stdout, stderr }) => stdout + stderr,
    (error: unknown) => {
      if (error instanceof CommandError) return error.stdout + error.stderr;
      throw error;
    },
  );
  return { tests: parseGoTests(output), output };
}

/** Reports what the suite found as subtests of `t`, each with what it printed. */
export async function reportGoSuite(t: TestContext, result: SuiteResult): Promise<void> {
  for (const { name, status } of result.tests) {
    await t.test(name, { skip: status === "skip" }, () => {
      if (status === "fail") throw new Error(result.output.slice(-20_000));
    });
  }
}

/** Compiles a suite out of Debian's packages, unless that was done, and gives its path. */
async function buildSuite(name: GoSuite["name"]): Promise<string> {
  await ensurePackages(packages);
  const fileName = `${name}_test.go`;
  const source = await readFile(join(repositoryPath, "integration", "conformance", fileName));
  const versions = await runCommand(["dpkg-query", "--show", ...packages]);
  const key = createHash("sha256").update(source).update(versions.stdout).digest("hex");
  const directory = join(cachePath, `${name}-suite-${key.slice(0, 16)}`);
  const program = join(directory, `${name}.test`);
  await withFileLock(`${directory}.lock`, async () => {
    if (await readFile(`${program}.ok`).catch(() => undefined)) return;
    const packagePath = join(directory, "src", "conformance");
    await mkdir(packagePath, { recursive: true });
    await writeFile(join(packagePath, fileName), source);
    const env = {
      ...{ GO111MODULE: "off", CGO_ENABLED: "0", GOFLAGS: "" },
      ...{ GOPATH: `${debianGoPath}:${directory}`, GOCACHE: join(cachePath, "go-build") },
    };
    await runCommand(["go", "test", "-c", "-o", program, "conformance"], { env });
    await writeFile(`${program}.ok`, "");
  });
  return program;
}

/** Reads the verdicts out of what `go test -v` prints; of tests with parts only the parts count. */
export function parseGoTests(output: string): SuiteTest[] {
  const tests = [...output.matchAll(/^\s*--- (PASS|FAIL|SKIP): (\S+)/gm)].map(
    ([, verdict = "FAIL", name = ""]) => ({ name, status: statuses[verdict] ?? "fail" }),
  );
  return tests.filter(({ name }) => !tests.some((other) => other.name.startsWith(`${name}/`)));
}

const statuses: Readonly<Record<string, SuiteTest["status"]>> = {
  PASS: "pass",
  FAIL: "fail",
  SKIP: "skip",
};
