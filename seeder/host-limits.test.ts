import assert from "node:assert/strict";
import { test } from "node:test";

import { openTestSwarm } from "../core/torrent/open-test-swarm.test-support.ts";
import { blobFixture } from "../core/testing/blob-fixture.ts";
import { SwarmBench } from "../core/testing/swarm-conformance.ts";
import type { LimitReport, ServiceStatus } from "../core/service-status.ts";
import { parseSeederConfig } from "./config.ts";
import { type TestSeeder, openTestSeeder } from "./open-test-seeder.test-support.ts";

const mebibyte = 1024 * 1024;

/** Bytes that may be taken beyond what was sent: of the turn under way. */
const slack = 512 * 1024;

/** What a bucket gives at once after a rest, with what a turn may be early by. */
const burstMs = 150;

const layer = blobFixture(3 * mebibyte);

async function limitOf({ url }: TestSeeder, name: string): Promise<LimitReport> {
  const status = (await (await fetch(`${url}/v1/status`)).json()) as ServiceStatus;
  const limit = status.limits?.find((one) => one.name === name);
  assert.ok(limit);
  return limit;
}

function reload({ seeder }: TestSeeder, limits: object): void {
  seeder.reload(parseSeederConfig(JSON.stringify({ limits }), "test"));
}

test("what a seeder gives to peers and by HTTP stays under one limit", async (t) => {
  const seeder = await openTestSeeder(t);
  seeder.registry.addImage([layer.bytes], "pond/fish:latest");
  assert.equal((await seeder.preheat()).end.ok, true);
  reload(seeder, { uploadBytesPerSecond: "4MiB" });
  const bench = await SwarmBench.create(openTestSwarm(), t);
  const peers = [{ host: "127.0.0.1", port: seeder.seeder.swarmPort }];
  const startMs = performance.now();
  const download = bench.download(await bench.node(), await bench.wanted(layer, { peers }));
  const [answer] = await Promise.all([seeder.blob(layer.digest), download.whole()]);
  assert.equal((await answer.arrayBuffer()).byteLength, layer.bytes.length);
  const tookMs = performance.now() - startMs;
  const { bytesPerSecond, bytes } = await limitOf(seeder, "upload");
  assert.equal(bytesPerSecond, 4 * mebibyte);
  assert.ok(bytes >= 6 * mebibyte && bytes <= 6 * mebibyte + slack, `${bytes}`);
  // However slow the machine is.
  assert.ok(tookMs >= (bytes / bytesPerSecond) * 1000 - burstMs, `${tookMs}`);
});

test("what a seeder fetches ahead goes through the limits of origin, download and preheat", async (t) => {
  const limits = {
    originBytesPerSecond: "4MiB",
    downloadBytesPerSecond: "5MiB",
    preheatBytesPerSecond: "6MiB",
  };
  const seeder = await openTestSeeder(t, { config: { limits } });
  seeder.registry.addImage([layer.bytes], "pond/fish:latest");
  const startMs = performance.now();
  assert.equal((await seeder.preheat()).end.ok, true);
  const tookMs = performance.now() - startMs;
  for (const name of ["origin", "download", "preheat"]) {
    const { bytes } = await limitOf(seeder, name);
    assert.ok(bytes >= layer.bytes.length && bytes <= layer.bytes.length + slack, `${bytes}`);
  }
  assert.ok(tookMs >= (layer.bytes.length / (4 * mebibyte)) * 1000 - burstMs, `${tookMs}`);
});

test("what somebody pulls goes past the limit of what is fetched ahead", async (t) => {
  const seeder = await openTestSeeder(t, { config: { limits: { preheatBytesPerSecond: "1MiB" } } });
  const large = blobFixture(32 * mebibyte, "large");
  seeder.registry.addImage([large.bytes], "pond/fish:latest");
  const ahead = new AbortController();
  const preheating = seeder.preheat({}, ahead).catch(() => undefined);
  let answer = await seeder.blob(large.digest);
  while (answer.status === 404) answer = await seeder.blob(large.digest);
  assert.equal((await answer.arrayBuffer()).byteLength, large.bytes.length);
  const { bytes } = await limitOf(seeder, "preheat");
  assert.ok(bytes < 16 * mebibyte, `${bytes}`);
  await preheating;
});

test("limits are lifted while bytes wait for them", async (t) => {
  const seeder = await openTestSeeder(t, { config: { limits: { originBytesPerSecond: "1MiB" } } });
  const large = blobFixture(32 * mebibyte, "large");
  seeder.registry.addImage([large.bytes], "pond/fish:latest");
  const preheating = seeder.preheat();
  while ((await limitOf(seeder, "origin")).bytes < 64 * 1024);
  reload(seeder, {});
  assert.equal((await preheating).end.ok, true);
  reload(seeder, { originBytesPerSecond: "1MiB" });
  const { bytes } = await limitOf(seeder, "origin");
  assert.ok(bytes < 16 * mebibyte, `${bytes}`);
});

test("a limit below 1 MiB/s is refused", () => {
  const limits = { uploadBytesPerSecond: "100KiB" };
  assert.throws(() => parseSeederConfig(JSON.stringify({ limits }), "x.yaml"), /is too low/);
});
