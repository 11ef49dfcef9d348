import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { text as readAll } from "node:stream/consumers";
import { type TestContext, test } from "node:test";

import { exitCodes } from "../exit-code.ts";
import { runProgram } from "../program.ts";
import { capturedContext } from "../testing/captured-context.ts";
import { serveHttp } from "../testing/http-fixture.ts";

const id = "0b0cd3ac-54ad-4d9c-a6d1-0cb7a3c1b3ef";
const digest = `sha256:${"1".repeat(64)}`;
const blob = { event: "blob", digest, mediaType: "application/x", size: 2048 };
const node = { event: "node", node: "node-1", bytes: 1024, size: 2048 };
const ok = { event: "end", ok: true, bytes: 2048, blobs: 1, durationMs: 1000 };
const events = [
  { event: "start", id, image: "host/app:1" },
  { ...blob, bytes: 2048, state: "done" },
  { event: "nodes", count: 3 },
  { ...node, state: "fetching" },
  { ...node, bytes: 2048, state: "done" },
  { ...node, node: "node-\u001b2", state: "failed", problem: "no room" },
  { ...node, node: "node-3", state: "canceled" },
];
const failed = {
  ...{ ...ok, ok: false, error: "Cannot preheat 2 of 3 nodes" },
  nodes: { count: 3, done: 1, failed: 2 },
};

function linesOf(...all: readonly object[]): string {
  return all.map((event) => `${JSON.stringify(event)}\n`).join("");
}

/** A service that gives every request the same answer, and keeps what it was asked. */
async function serve(
  t: TestContext,
  answer: string,
  { status = 200 } = {},
): Promise<{ readonly url: string; readonly requests: string[] }> {
  const requests: string[] = [];
  const listener = async (request: IncomingMessage, response: ServerResponse) => {
    requests.push(`${request.method} ${request.url} ${await readAll(request)}`);
    response.writeHead(status).end(answer);
  };
  const url = await serveHttp(t, (request, response) => void listener(request, response));
  return { url, requests };
}

async function shoal(args: readonly string[], context = capturedContext()) {
  const exitCode = await runProgram(["preheat", ...args], context);
  return { exitCode, ...context.text() };
}

test("nodes are chosen by flags, of which those that name nodes mean their scope", async (t) => {
  const { url, requests } = await serve(t, linesOf(ok));
  const at = ["--seeder", url];
  await shoal(["a", ...at, "--scope", "seeders"]);
  await shoal(["a", ...at, "--scope", "nodes"]);
  await shoal(["a", ...at, "--nodes-with", "zone=a", "--nodes-with", "x/disk="]);
  await shoal([...at, "--nodes-percent", "12.5", "a"]);
  assert.deepEqual(
    requests.map((request) => request.replace(/.* (?=\{)/, "")),
    [
      '{"image":"a","scope":"seeders"}',
      '{"image":"a","scope":"nodes"}',
      '{"image":"a","scope":"nodes","nodes":{"labels":{"zone":"a","x/disk":""},"percent":100}}',
      '{"image":"a","scope":"nodes","nodes":{"labels":{},"percent":12.5}}',
    ],
  );
});

test("flags that make no sense are refused before anybody is asked", async (t) => {
  const { url, requests } = await serve(t, linesOf(ok));
  for (const args of [
    [],
    ["a", "--list"],
    ["a", "--cancel", id],
    ["--list", "--cancel", id],
    ["a", "--scope", "everybody"],
    ["a", "--scope", "seeders", "--nodes-with", "zone=a"],
    ["a", "--nodes-with", "zone"],
    ["a", "--nodes-with", "=a"],
    ["a", "--nodes-with", "zone=a b"],
    ["a", "--nodes-percent", "0"],
    ["a", "--nodes-percent", "101"],
    ["a", "--nodes-percent", "some"],
    ["a", "--platform", "linux"],
  ]) {
    const { exitCode } = await shoal([...args, "--seeder", url]);
    assert.equal(exitCode, exitCodes.usage, args.join(" "));
  }
  assert.deepEqual(requests, []);
});

test("each node is told of when it is through, and those that failed with the reason", async (t) => {
  const { url } = await serve(t, linesOf(...events, failed));
  const { exitCode, stdout, stderr } = await shoal(["host/app:1", "--seeder", url]);
  assert.equal(exitCode, exitCodes.failure);
  assert.equal(
    stdout,
    `done     ${digest} 2.00 KiB application/x (1 of 1 done)\n` +
      "done     node-1 2.00 KiB (1 of 3 nodes)\n" +
      "failed   node-\ufffd2 1.00 KiB (2 of 3 nodes, 1 failed): no room\n" +
      "canceled node-3 1.00 KiB (3 of 3 nodes, 2 failed)\n",
  );
  assert.equal(stderr, "shoal: Cannot preheat host/app:1: Cannot preheat 2 of 3 nodes\n");
});

test("a bar shows nodes once they are at work, and keeps those that failed", async (t) => {
  const { url } = await serve(t, linesOf(...events, failed));
  const context = capturedContext({ isTerminal: true });
  const { stdout } = await shoal(["a", "--seeder", url], context);
  assert.match(stdout, /failed node-\ufffd2: no room\n/);
  assert.match(stdout, /canceled node-3\n/);
});

test("all seeders get the image, the first one its nodes, and one that fails stops no other", async (t) => {
  const done = { ...ok, nodes: { count: 2, done: 2, failed: 0 } };
  const [first, second] = [await serve(t, linesOf(done)), await serve(t, linesOf(ok))];
  const seeders = ["--seeder", first.url, "--seeder", second.url];
  const all = await shoal(["a", ...seeders, "--scope", "nodes"]);
  assert.equal(all.exitCode, exitCodes.ok);
  assert.match(all.stdout, /a at http:\S+: 1 blobs, 2\.00 KiB, 2 of 2 nodes in/);
  assert.deepEqual(
    [...first.requests, ...second.requests],
    ['POST /v1/preheat {"image":"a","scope":"nodes"}', 'POST /v1/preheat {"image":"a"}'],
  );
  const json = await shoal(["a", ...seeders, "--json"]);
  const told = json.stdout.trim().split("\n");
  assert.deepEqual(
    told.map((line) => (JSON.parse(line) as { seeder: string }).seeder).sort(),
    [first.url, second.url].sort(),
  );
  const broken = await serve(t, "", { status: 503 });
  const some = await shoal(["a", "--seeder", broken.url, "--seeder", second.url]);
  assert.equal(some.exitCode, exitCodes.failure);
  assert.match(some.stdout, /1 blobs/);
  assert.equal(some.stderr.startsWith(`shoal: a at ${broken.url}: Cannot preheat a: `), true);
});

test("--list shows what is under way", async (t) => {
  const preheats = [
    { id, image: "host/app:1", state: "nodes", bytes: 2048, size: 2048, nodes: failed.nodes },
    { id: "2", image: "host/b:1", state: "fetching", bytes: 0, size: 0 },
  ];
  const status = { service: "seeder", version: "1", uptimeMs: 1, preheats };
  const { url } = await serve(t, JSON.stringify(status));
  const { exitCode, stdout } = await shoal(["--list", "--seeder", url]);
  assert.equal(exitCode, exitCodes.ok);
  assert.equal(
    stdout,
    `PREHEAT     ID                                    STATE         DONE      SIZE  NODES
host/app:1  ${id}  nodes     2.00 KiB  2.00 KiB  1 of 3, 2 failed
host/b:1    2                                     fetching       0 B         ?
`,
  );
  const json = await shoal(["--list", "--json", "--seeder", url]);
  assert.equal(json.stdout, linesOf(...preheats));
  const idle = await serve(t, JSON.stringify({ ...status, preheats: [] }));
  assert.equal((await shoal(["--list", "--seeder", idle.url])).stdout, "No preheat is under way\n");
});

test("--list shows what the other seeders have when one is down, and names that one", async (t) => {
  const preheats = [{ id, image: "host/app:1", state: "fetching", bytes: 0, size: 0 }];
  const status = { service: "seeder", version: "1", uptimeMs: 1, preheats };
  const down = await serve(t, "", { status: 503 });
  const { url } = await serve(t, JSON.stringify(status));
  const some = await shoal(["--list", "--json", "--seeder", down.url, "--seeder", url]);
  assert.deepEqual([some.exitCode, some.stdout], [exitCodes.failure, linesOf(...preheats)]);
  assert.equal(some.stderr.includes(down.url), true);
  const alone = await shoal(["--list", "--seeder", down.url]);
  assert.deepEqual([alone.exitCode, alone.stdout], [exitCodes.failure, ""]);
});

test("--cancel asks one seeder after the other, until one has it", async (t) => {
  const answer = JSON.stringify({ error: { code: "not_found", message: "no such preheat" } });
  const without = await serve(t, answer, { status: 404 });
  const having = await serve(t, "", { status: 200 });
  const seeders = ["--seeder", without.url, "--seeder", having.url];
  const canceled = await shoal(["--cancel", id, ...seeders]);
  assert.deepEqual([canceled.exitCode, canceled.stdout], [exitCodes.ok, `Canceled ${id}\n`]);
  assert.deepEqual(having.requests, [`DELETE /v1/preheats/${id} `]);
  const missed = await shoal(["--cancel", id, "--seeder", without.url]);
  assert.equal(missed.exitCode, exitCodes.failure);
  assert.match(missed.stderr, /Cannot cancel .*: no such preheat/);
});
