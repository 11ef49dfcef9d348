import assert from "node:assert/strict";
import { test } from "node:test";

import { AccessDeniedError, BlobNotFoundError, UnavailableError } from "../../core/errors.ts";
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

test("the report tells which origins answer, and what came from them", async (t) => {
  const fails = (host: string, error: Error): [string, DescribingOrigin] => [
    host,
    { ...originOf("listed"), describe: async () => Promise.reject(error) },
  ];
  const table = new OriginTable(
    new Map([
      ["never.example", originOf("listed")],
      ["good.example", originOf("listed")],
      fails("poor.example", new BlobNotFoundError(digest)),
      fails("down.example", new UnavailableError(`Cannot ask: ${"x".repeat(1000)}`)),
    ]),
    originOf("other"),
  );
  assert.equal(await ask(table, "good.example", t), "listed");
  await assert.rejects(ask(table, "poor.example", t), BlobNotFoundError);
  await assert.rejects(ask(table, "down.example", t), UnavailableError);
  await ask(table, "other.example", t);
  const problem = `Cannot ask: ${"x".repeat(188)}`;
  assert.deepEqual(table.report(), [
    { kind: "origin", name: "never.example", bytes: 0 },
    { kind: "origin", name: "good.example", bytes: "listed".length, up: true },
    { kind: "origin", name: "poor.example", bytes: 0, up: true },
    { kind: "origin", name: "down.example", bytes: 0, up: false, problem },
  ]);
});

test("an origin that breaks off is down until it answers again, and not because we stop", async (t) => {
  const listedOrigin = originOf("listed");
  let breaks = true;
  const origin: DescribingOrigin = {
    ...listedOrigin,
    async *blob(from, options) {
      yield* listedOrigin.blob(from, options);
      if (breaks) throw new UnavailableError("Cannot read blob: it broke off");
    },
  };
  const table = new OriginTable(new Map([["a.example", origin]]), undefined);
  const upNow = () => table.report().map(({ up }) => up);
  await assert.rejects(ask(table, "a.example", t), UnavailableError);
  assert.deepEqual(upNow(), [false]);
  breaks = false;
  await ask(table, "a.example", t);
  assert.deepEqual(upNow(), [true]);
  breaks = true;
  await assert.rejects(ask(table, "a.example", { signal: AbortSignal.abort() }), UnavailableError);
  assert.deepEqual(upNow(), [true]);
});
