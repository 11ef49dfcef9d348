import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import type { PushReport, ServiceStatus } from "../../core/service-status.ts";
import { testFolder } from "../../core/testing/test-folder.ts";
import { exitCodes } from "../exit-code.ts";
import { runProgram } from "../program.ts";
import { renderStatus } from "../status/render-status.ts";
import { capturedContext } from "../testing/captured-context.ts";
import { serveHttp } from "../testing/http-fixture.ts";

const push: PushReport = {
  ...{ id: "0123abcd", kind: "tag", name: "r.example/pond/fish:1", size: 500, failures: 2 },
  ...{ since: "2026-11-21T10:00:00.000Z", state: "refused", problem: "it refuses us" },
};

test("pushes are tried anew and given up with the token of a file", async (t) => {
  const asked: string[] = [];
  const seeder = await serveHttp(t, (request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.authorization}`);
    if (request.url === "/v1/pushes/gone") {
      response.writeHead(404).end('{"error":{"code":"not_found","message":"Cannot find it"}}');
    } else response.end(JSON.stringify(push));
  });
  const file = join(testFolder(t), "tokens");
  await writeFile(file, "# of mine\n\na-token-of-mine\n");
  const shoal = async (...args: readonly string[]) => {
    const context = capturedContext();
    const all = ["pushes", ...args, "--seeder", seeder, "--token-file", file];
    return { exitCode: await runProgram(all, context), ...context.text() };
  };
  const tried = await shoal("retry", "0123abcd");
  assert.deepEqual(tried, {
    ...{ exitCode: exitCodes.ok, stdout: "r.example/pond/fish:1 is tried now\n", stderr: "" },
  });
  assert.equal((await shoal("drop", "0123abcd")).stdout, "r.example/pond/fish:1 is given up\n");
  const gone = await shoal("drop", "gone");
  assert.equal(gone.exitCode, exitCodes.failure);
  assert.match(gone.stderr, /Cannot find it/);
  assert.deepEqual(asked, [
    "POST /v1/pushes/0123abcd Bearer a-token-of-mine",
    "DELETE /v1/pushes/0123abcd Bearer a-token-of-mine",
    "DELETE /v1/pushes/gone Bearer a-token-of-mine",
  ]);
});

test("the status shows what waits for its registry, and why", () => {
  const status: ServiceStatus = {
    ...{ service: "seeder", version: "1", uptimeMs: 1000 },
    pushes: { uploads: 1, waiting: 2, refused: 1, list: [push] },
  };
  assert.equal(
    renderStatus(status),
    `seeder 1, up 1.0 s
pushes     1 uploads, 2 wait for their registry, 1 of them refused

PUSH                   ID        STATE     SIZE  SINCE
r.example/pond/fish:1  0123abcd  refused  500 B  2026-11-21 10:00:00  it refuses us
`,
  );
});
