import assert from "node:assert/strict";
import { test } from "node:test";

import { cleanUpOf } from "../testing/clean-up.ts";
import { FakeRegistry } from "../testing/fake-registry.ts";
import { openRegistries } from "./open-registries.ts";

test("a registry has its settings however its name is written", async (t) => {
  const fake = cleanUpOf(t).use(await FakeRegistry.open());
  const { manifest } = fake.addImage([], "a/b:x");
  const url = `http://${fake.host}`;
  for (const [host, asked] of [
    ["Registry.Example:5000", "registry.example:5000"],
    ["registry.example:5000", "REGISTRY.example:5000"],
    ["index.docker.io", "docker.io"],
    ["docker.io", "registry-1.docker.io"],
  ] as const) {
    const opened = cleanUpOf(t).use(
      await openRegistries({ registries: [{ host, url, plainHttp: false }] }),
    );
    const reference = { registry: asked, repository: "a/b", tag: "x" };
    assert.equal((await opened.origin.resolve(reference, t)).digest, manifest.digest);
  }
});
