import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { text as readAll } from "node:stream/consumers";
import { type TestContext, test } from "node:test";

import { testFolder } from "../../core/testing/test-folder.ts";
import { exitCodes } from "../exit-code.ts";
import { runProgram } from "../program.ts";
import { capturedContext } from "../testing/captured-context.ts";
import { serveHttp } from "../testing/http-fixture.ts";

const digest = `sha256:${"1".repeat(64)}`;
const blob = { event: "blob", digest, mediaType: "application/x", size: 2048 };
const events = [
  { ...blob, bytes: 0, state: "waiting" },
  { ...blob, bytes: 0, state: "fetching" },
  { event: "later", what: "a newer seeder knows" },
  { ...blob, bytes: 1024, state: "fetching" },
  { ...blob, bytes: 2048, state: "done" },
  { event: "end", ok: true, bytes: 2048, blobs: 1, durationMs: 1000 },
];
const allLines = events.map((event) => `${JSON.stringify(event)}\n`).join("");

/** A seeder that answers every preheat with the text. */
async function serveSeeder(
  t: TestContext,
  answer: string,
  requests: string[] = [],
): Promise<string> {
  const listener = async (request: IncomingMessage, response: ServerResponse) => {
    requests.push(`${request.method} ${request.url} ${await readAll(request)}`);
    response.writeHead(200, { "content-type": "application/x-ndjson" }).end(answer);
  };
  return serveHttp(t, (request, response) => void listener(request, response));
}

async function shoal(args: readonly string[], context = capturedContext()) {
  const exitCode = await runProgram(["preheat", ...args], context);
  return { exitCode, ...context.text() };
}

test("preheat asks the seeder, and tells in lines what comes when nobody looks on", async (t) => {
  const requests: string[] = [];
  const seeder = await serveSeeder(t, allLines, requests);
  const { exitCode, stdout, stderr } = await shoal(["host/app:1", "--seeder", seeder]);
  assert.deepEqual([exitCode, stderr], [exitCodes.ok, ""]);
  assert.deepEqual(requests, ['POST /v1/preheat {"image":"host/app:1"}']);
  assert.equal(
    stdout,
    `fetching ${digest} 2.00 KiB application/x (0 of 1 done)\n` +
      `done     ${digest} 2.00 KiB application/x (1 of 1 done)\n` +
      "host/app:1: 1 blobs, 2.00 KiB in 1.0 s (2.00 KiB/s)\n",
  );
});

test("platforms may be named one by one, before or after the reference", async (t) => {
  const requests: string[] = [];
  const seeder = await serveSeeder(t, allLines, requests);
  const platforms = ["--platform", "linux/amd64", "--platform", "linux/arm64/v8"];
  await shoal([...platforms, "a", "--seeder", seeder]);
  await shoal(["a", ...platforms, "--seeder", seeder]);
  await shoal(["a", "--all-platforms", "--seeder", seeder]);
  const bodies = requests.map((request) => request.replace(/.* (?=\{)/, ""));
  const named = '{"image":"a","platforms":["linux/amd64","linux/arm64/v8"]}';
  assert.deepEqual(bodies, [named, named, '{"image":"a","platforms":"all"}']);
});

test("preheat --json prints the seeder's own lines", async (t) => {
  const seeder = await serveSeeder(t, allLines);
  const { exitCode, stdout } = await shoal(["a", "--seeder", seeder, "--json"]);
  assert.deepEqual([exitCode, stdout], [exitCodes.ok, allLines]);
});

test("preheat draws a bar on a terminal, and clears it in the end", async (t) => {
  const seeder = await serveSeeder(t, allLines);
  const context = capturedContext({ isTerminal: true });
  const { exitCode, stdout } = await shoal(["a", "--seeder", seeder], context);
  assert.equal(exitCode, exitCodes.ok);
  assert.equal(stdout.includes("\u001b["), true);
  assert.match(stdout, /a: 1 blobs, 2\.00 KiB in 1\.0 s/);
});

test("why a blob failed is told with it, in lines and beside the bar", async (t) => {
  const failed = { ...blob, bytes: 0, state: "failed", problem: "it is\u001b gone" };
  const end = { event: "end", ok: false, bytes: 0, blobs: 0, durationMs: 1, error: "gone" };
  const answer = `${JSON.stringify(failed)}\n${JSON.stringify(end)}\n`;
  const args = ["a", "--seeder", await serveSeeder(t, answer)];
  for (const isTerminal of [false, true]) {
    const { exitCode, stdout } = await shoal(args, capturedContext({ isTerminal }));
    assert.equal(exitCode, exitCodes.failure);
    assert.match(stdout, new RegExp(`failed +${digest}.*: it is\ufffd gone\n`));
  }
});

test("a preheat that failed, or whose end is not told, is a failure", async (t) => {
  const failed = {
    event: "end",
    ok: false,
    bytes: 0,
    blobs: 1,
    durationMs: 1,
    error: "no such\u001b tag",
  };
  const seeder = await serveSeeder(t, `${JSON.stringify(failed)}\n`);
  const told = await shoal(["a", "--seeder", seeder]);
  assert.equal(told.exitCode, exitCodes.failure);
  assert.match(told.stderr, /^shoal: Cannot preheat a: no such\ufffd tag\n$/);
  for (const answer of ["", allLines.slice(0, 300), "nonsense\n", "x".repeat(200_000)]) {
    const untold = await shoal(["a", "--seeder", await serveSeeder(t, answer)]);
    assert.equal(untold.exitCode, exitCodes.failure, answer.slice(0, 20));
    assert.match(untold.stderr, /the seeder hung up|Cannot reach .* endless line/);
  }
});

test("a refused reference ends with 2, a seeder that cannot now with 1", async (t) => {
  for (const [status, exitCode] of [
    [400, exitCodes.usage],
    [503, exitCodes.failure],
  ] as const) {
    const seeder = await serveHttp(t, (_, response) => {
      response
        .writeHead(status)
        .end(JSON.stringify({ error: { code: "x", message: "it is bad" } }));
    });
    const refused = await shoal(["a", "--seeder", seeder]);
    assert.equal(refused.exitCode, exitCode);
    assert.match(refused.stderr, /Cannot preheat a: it is bad/);
  }
});

test("a reference that is none ends with 2, whether or not a seeder is there", async () => {
  for (const image of ["BAD::ref", "", "host/app:", "host/UPPER"]) {
    const { exitCode, stderr } = await shoal([image, "--seeder", "http://127.0.0.1:1"]);
    assert.equal(exitCode, exitCodes.usage, image);
    assert.notEqual(stderr, "");
  }
});

test("Ctrl-C hangs up on the seeder and ends with 130", async (t) => {
  const stop = new AbortController();
  let hungUp: Promise<unknown> = Promise.resolve();
  const seeder = await serveHttp(t, (_, response) => {
    hungUp = once(response, "close");
    response.write(`${JSON.stringify(events[1])}\n`);
  });
  const context = capturedContext({ signal: stop.signal, onWrite: () => stop.abort() });
  const { exitCode, stderr } = await shoal(["a", "--seeder", seeder], context);
  assert.deepEqual([exitCode, stderr], [exitCodes.interrupted, ""]);
  await hungUp;
});

test("the seeder is found by a configuration", async (t) => {
  const seeder = await serveSeeder(t, allLines);
  const file = join(testFolder(t), "a.yaml");
  await writeFile(file, `service: content-proxy\nseeders: ["${seeder}"]\n`);
  assert.equal((await shoal(["a", "--config", file])).exitCode, exitCodes.ok);
  await writeFile(file, `service: seeder\nlisten: ${new URL(seeder).host}\n`);
  assert.equal((await shoal(["a", "--config", file])).exitCode, exitCodes.ok);
  await writeFile(file, "service: tracker\n");
  const none = await shoal(["a", "--config", file]);
  assert.deepEqual([none.exitCode, /it names none/.test(none.stderr)], [exitCodes.usage, true]);
});
