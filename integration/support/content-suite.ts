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

const sourcePath = join(repositoryPath, "integration", "conformance", "content_test.go");

const packages = ["golang-go", "golang-github-containerd-containerd-dev"] as const;

/** Where Debian's Go packages have their sources. */
const debianGoPath = "/usr/share/gocode";

/** containerd's own suite takes seconds; a store that hangs must not take CI's whole time. */
const suiteTimeout = "120s";

/**
 * Runs containerd's own tests of a content store against the one behind a Unix
 * socket, both raw and under containerd's metadata store. The store must be empty,
 * and is left so.
 */
export async function runContentSuite(socketPath: string): Promise<SuiteResult> {
  const program = await buildContentSuite();
  const options = { env: { STORE_SOCK: socketPath } };
  const argv = [program, "-test.v", "-test.timeout", suiteTimeout] as const;
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
export async function reportContentSuite(t: TestContext, result: SuiteResult): Promise<void> {
  for (const { name, status } of result.tests) {
    await t.test(name, { skip: status === "skip" }, () => {
      if (status === "fail") throw new Error(result.output.slice(-20_000));
    });
  }
}

/** Compiles the suite out of Debian's packages, unless that was done, and gives its path. */
async function buildContentSuite(): Promise<string> {
  await ensurePackages(packages);
  const source = await readFile(sourcePath);
  const versions = await runCommand(["dpkg-query", "--show", ...packages]);
  const key = createHash("sha256").update(source).update(versions.stdout).digest("hex");
  const directory = join(cachePath, `content-suite-${key.slice(0, 16)}`);
  const program = join(directory, "content.test");
  await withFileLock(`${directory}.lock`, async () => {
    if (await readFile(`${program}.ok`).catch(() => undefined)) return;
    const packagePath = join(directory, "src", "conformance");
    await mkdir(packagePath, { recursive: true });
    await writeFile(join(packagePath, "content_test.go"), source);
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
