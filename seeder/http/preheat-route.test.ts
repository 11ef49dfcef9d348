import assert from "node:assert/strict";
import { test } from "node:test";

import type { ServiceStatus } from "../../core/service-status.ts";
import type { Fault } from "../../core/testing/fake-registry.ts";
import type { BlobEvent } from "../preheat-event.ts";
import { bytesOf, openTestSeeder } from "../open-test-seeder.test-support.ts";

const name = "pond/fish:latest";
const layer = bytesOf(1_000_000, "layer");

/** Sends the half of what it is asked for, and then nothing; resolves when somebody gets it. */
function stuckAt(digest: string) {
  const asked = Promise.withResolvers<undefined>();
  const closed = Promise.withResolvers<undefined>();
  const fault: Fault = ({ url = "", headers }, response) => {
    if (!url.endsWith(digest) || headers.range !== undefined) return false;
    response.writeHead(200, { "content-length": layer.length });
    response.write(layer.subarray(0, layer.length / 2));
    response.once("close", () => closed.resolve(undefined));
    asked.resolve(undefined);
    return true;
  };
  return { fault, asked: asked.promise, closed: closed.promise };
}

test("requests that are none are refused, and why is told", async (t) => {
  const { url, registry } = await openTestSeeder(t);
  const image = `${registry.host}/pond/fish`;
  for (const body of [
    "",
    "{",
    "null",
    "[]",
    '"image"',
    "{}",
    { image: 5 },
    { image: "" },
    { image: "a b" },
    { image: "../../etc/passwd" },
    { image: "x".repeat(601) },
    { image, platforms: [] },
    { image, platforms: ["linux"] },
    { image, platforms: ["linux/amd64/"] },
    { image, platforms: ["linux/arm/v7/more"] },
    { image, platforms: "some" },
    { image, platforms: Array.from({ length: 51 }, () => "linux/amd64") },
    { image, more: true },
    "x".repeat(20_000),
    `${"[".repeat(8000)}${"]".repeat(8000)}`,
  ]) {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const response = await fetch(`${url}/v1/preheat`, { method: "POST", body: text });
    assert.equal(response.status, 400, text.slice(0, 100));
    const { error } = (await response.json()) as { error: { code: string; message: string } };
    assert.equal(error.code, "invalid_argument");
    assert.match(error.message, /^Cannot /);
  }
  assert.deepEqual(registry.requests, []);
});

test("a registry that is no origin is not asked", async (t) => {
  const { preheat } = await openTestSeeder(t);
  for (const host of ["127.0.0.1:1", "localhost:5000", "10.0.0.1", "[::1]:80", "169.254.169.254"]) {
    const { end } = await preheat({ image: `${host}/pond/fish` });
    assert.match(end.error ?? "", /none of this seeder's origins/);
  }
});

test("hanging up ends what nobody else wants, and the next preheat goes on from there", async (t) => {
  const { registry, preheat, url } = await openTestSeeder(t);
  const { layers } = registry.addImage([layer], name);
  const digest = layers[0]?.digest ?? "";
  const stuck = stuckAt(digest);
  registry.fault = stuck.fault;
  const leaving = new AbortController();
  const left = preheat({}, leaving);
  await stuck.asked;
  // The half must be on its way, or there is nothing to go on from.
  let half = 0;
  while (half < layer.length / 2) {
    const status = (await (await fetch(`${url}/v1/status`)).json()) as ServiceStatus;
    half = status.ingests?.find(({ ref }) => ref === digest)?.bytes ?? 0;
  }
  leaving.abort();
  await assert.rejects(left, { name: "AbortError" });
  await stuck.closed;
  assert.equal((await preheat()).end.ok, true);
  assert.deepEqual(
    registry.requestsFor(digest).map(({ range }) => range),
    [undefined, `bytes=${layer.length / 2}-`],
  );
});

test("more preheats than may are refused for now, and one that takes too long ends", async (t) => {
  const { registry, preheat, url } = await openTestSeeder(t, {
    config: { fetch: { preheatsMax: 1, preheatTimeoutMs: 4000 } },
  });
  const { layers, manifest } = registry.addImage([layer], name);
  const stuck = stuckAt(layers[0]?.digest ?? "");
  registry.fault = stuck.fault;
  const slow = preheat();
  await stuck.asked;
  const body = JSON.stringify({ image: `${registry.host}/${name}` });
  const refused = await fetch(`${url}/v1/preheat`, { method: "POST", body });
  assert.equal(refused.status, 503);
  const { end, blobs } = await slow;
  assert.equal(end.ok, false);
  assert.equal(end.error, "deadline exceeded");
  const expected: Partial<BlobEvent> = { state: "failed", problem: "deadline exceeded" };
  const { state, problem } = blobs.get(layers[0]?.digest ?? "") ?? {};
  assert.deepEqual({ state, problem }, expected);
  assert.equal(blobs.get(manifest.digest)?.state, "done");
  assert.equal((await preheat()).end.ok, true);
});
