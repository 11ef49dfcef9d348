import assert from "node:assert/strict";
import { test } from "node:test";

import { runCommand } from "./command.ts";
import { requestHttp } from "./http.ts";
import { pushImage } from "./image-push.ts";
import { buildImage } from "./image.ts";
import { stackOf } from "./interruptible.ts";
import { createNetwork } from "./network.ts";
import { startRegistry } from "./registry.ts";
import { createTestDirectory } from "./test-directory.ts";

/** Prints status and length of what a URL gives. */
const fetchScript =
  "fetch(process.argv[1]).then(async (r) => process.stdout.write(`${r.status} ${(await r.text()).length}`))";

test("hosts of a network reach each other, and are gone afterwards", async (t) => {
  const stack = stackOf(t);
  const directory = await createTestDirectory(t, stack);
  const network = await createNetwork({ hosts: ["registry", "node"] });
  stack.use(network);
  const registry = stack.use(
    await startRegistry({ directory: directory.path, on: network.host("registry") }),
  );

  const { stdout } = await runCommand(
    [process.execPath, "-e", fetchScript, `http://${registry.host}/v2/`],
    {
      netns: network.host("node").netns,
    },
  );
  const outside = await requestHttp(registry.endpoint, { path: "/v2/" });

  assert.equal(stdout, "200 2");
  assert.equal(outside.status, 200);
  await registry[Symbol.asyncDispose]();
  await network[Symbol.asyncDispose]();
  const left = (await runCommand(["ip", "netns", "list"])).stdout;
  for (const { netns } of network.hosts) assert.ok(netns !== undefined && !left.includes(netns));
});

test("a host with a rate gets no more than that", async (t) => {
  const stack = stackOf(t);
  const directory = await createTestDirectory(t, stack);
  const bitsPerSecond = 40_000_000;
  const network = stack.use(
    await createNetwork({ hosts: ["registry", "node"], bitsPerSecond: { node: bitsPerSecond } }),
  );
  const registry = stack.use(
    await startRegistry({ directory: directory.path, on: network.host("registry") }),
  );
  const layers = [{ compression: "none", sizeBytes: 3_000_000, of: "random" }] as const;
  const image = await buildImage({ seed: "rate", layers });
  await pushImage(image, registry, { name: "samples/app:1" });
  const [layer] = image.manifests[0]?.layers ?? [];
  assert.ok(layer);

  const start = performance.now();
  const url = `http://${registry.host}/v2/samples/app/blobs/${layer.digest}`;
  await runCommand([process.execPath, "-e", fetchScript, url], {
    netns: network.host("node").netns,
  });

  // What may come at once, before the rate counts, is left out.
  const seconds = ((layer.size - 1_000_000) * 8) / bitsPerSecond;
  assert.ok(performance.now() - start > seconds * 1000);
});
