import assert from "node:assert/strict";
import { test } from "node:test";

import { digestOf } from "../../core/digest.ts";
import { bytesOf } from "../open-test-seeder.test-support.ts";
import { atRegistry, openPushBench, settled } from "./push-bench.test-support.ts";

test("an image that is pushed is offered at once, and arrives at its registry", async (t) => {
  const bench = await openPushBench(t);
  const layer = bytesOf(300_000, "layer");
  const { answer, manifest, bytes } = await bench.pushImage([layer]);
  assert.equal(answer.status, 201, await answer.text());
  assert.equal(answer.headers.get("docker-content-digest"), manifest.digest);
  for (const digest of [manifest.digest, digestOf(layer)]) {
    assert.equal((await fetch(`${bench.url}/v1/metainfo/${digest}`)).status, 200);
  }
  await settled(bench);
  const there = await atRegistry(bench.registry, "pond/fish/manifests/1");
  assert.equal(await there.text(), bytes.toString());
  assert.equal(
    (await atRegistry(bench.registry, `pond/fish/blobs/${digestOf(layer)}`)).status,
    200,
  );
});
