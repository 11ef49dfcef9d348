import assert from "node:assert/strict";
import { test } from "node:test";

import { AccessDeniedError } from "../../core/errors.ts";
import { parseImageReference } from "../../core/image-reference.ts";
import type { DescribingOrigin } from "../../core/ports/origin.ts";
import { blobFixture } from "../../core/testing/blob-fixture.ts";
import { OriginTable } from "./origin-table.ts";

const { digest } = blobFixture(10);

function originOf(mediaType: string): DescribingOrigin {
  return {
    resolve: async () => ({ mediaType, digest, size: 10 }),
    describe: async () => ({ mediaType, digest, size: 10 }),
    async *blob() {
      yield Buffer.from(mediaType);
    },
  };
}

const listed = new Map([
  ["127.0.0.1:5000", originOf("listed")],
  ["a.example", originOf("listed")],
]);

async function ask(table: OriginTable, registry: string, { signal }: { signal: AbortSignal }) {
  const reference = { ...parseImageReference("a/b"), registry };
  const { mediaType } = await table.resolve(reference, { signal });
  assert.equal((await table.describe({ ...reference, digest }, { signal })).mediaType, mediaType);
  const descriptor = { mediaType, digest, size: 10 };
  for await (const chunk of table.blob({ ...reference, descriptor }, { start: 0, signal })) {
    assert.equal(Buffer.from(chunk).toString(), mediaType);
  }
  return mediaType;
}

test("the host says which origin is asked", async (t) => {
  const table = new OriginTable(listed, originOf("other"));
  assert.equal(await ask(table, "127.0.0.1:5000", t), "listed");
  assert.equal(await ask(table, "a.example", t), "listed");
  assert.equal(await ask(table, "b.example:5000", t), "other");
  assert.equal(await ask(table, "docker.io", t), "other");
});

test("an origin is found however its name is written", async (t) => {
  const names = ["A.Example:5000", "index.docker.io"];
  const table = new OriginTable(
    new Map(names.map((name) => [name, originOf("listed")])),
    undefined,
  );
  for (const registry of ["a.example:5000", "A.EXAMPLE:5000", "docker.io"]) {
    assert.equal(await ask(table, registry, t), "listed");
  }
});

test("hosts that are not in the table are asked by name alone, or not at all", async (t) => {
  const strict = new OriginTable(listed, undefined);
  await assert.rejects(ask(strict, "b.example", t), AccessDeniedError);
  const table = new OriginTable(listed, originOf("other"));
  for (const registry of [
    ...["127.0.0.1", "127.0.0.1:80", "10.1.2.3:443", "169.254.169.254", "0.0.0.0"],
    ...["[::1]", "[::1]:80", "[fe80::1]:5000", "[::ffff:127.0.0.1]"],
    ...["localhost", "localhost:80", "LOCALHOST:80", "a.localhost:80", "localhost.:80"],
    ...[
      "127.1:80",
      "2130706433:80",
      "0x7f000001:80",
      "0x7f.1:80",
      "0177.0.0.1:80",
      "127.0.0.1.:80",
    ],
  ]) {
    await assert.rejects(ask(table, registry, t), AccessDeniedError, registry);
  }
});
