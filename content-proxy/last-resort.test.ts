import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";

import { BlobNotFoundError, DigestMismatchError } from "../core/errors.ts";
import { mediaTypes } from "../core/media-type.ts";
import type { Repository } from "../core/ports/origin.ts";
import { openRegistries } from "../core/registry/open-registries.ts";
import { blobFixture } from "../core/testing/blob-fixture.ts";
import { cleanUpOf } from "../core/testing/clean-up.ts";
import { FakeRegistry } from "../core/testing/fake-registry.ts";
import { MemoryLogger } from "../core/testing/memory-logger.ts";
import { testFolder } from "../core/testing/test-folder.ts";
import { LastResort } from "./last-resort.ts";

const blob = blobFixture(2_000_000);
const named = { digest: blob.digest, size: blob.bytes.length };

async function open(t: TestContext, repositoriesOf: (host: string) => Repository[]) {
  const registry = cleanUpOf(t).use(await FakeRegistry.open());
  const opened = cleanUpOf(t).use(
    await openRegistries({ registries: [], credentialsFile: undefined }),
  );
  const repositories = { find: async () => repositoriesOf(registry.host) };
  const { origin } = opened;
  const logger = new MemoryLogger();
  return { registry, logger, lastResort: new LastResort({ repositories, origin, logger }) };
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

test("the rest of a blob is read from where it was pulled", async (t) => {
  const { registry, lastResort } = await open(t, (host) => [
    { registry: host, repository: "pond/fish" },
  ]);
  registry.addBlob(blob.bytes);
  const rest = await collect(lastResort.read(named, { start: 1_500_000, signal: t.signal }));
  assert.deepEqual(rest, blob.bytes.subarray(1_500_000));
  assert.deepEqual(
    registry.requests.map(({ url, range }) => [url, range]),
    [[`/v2/pond/fish/blobs/${blob.digest}`, "bytes=1500000-"]],
  );
});

test("where one repository refuses, the next one is asked", async (t) => {
  const { registry, lastResort, logger } = await open(t, (host) =>
    ["refused", "fish"].map((repository) => ({ registry: host, repository })),
  );
  registry.addBlob(blob.bytes);
  registry.fault = ({ url }, response) => {
    if (url?.includes("refused") !== true) return false;
    response.writeHead(403).end();
    return true;
  };
  assert.deepEqual(
    await collect(lastResort.read(named, { start: 0, signal: t.signal })),
    blob.bytes,
  );
  assert.equal(logger.lines.filter(({ level }) => level === "warn").length, 2);
});

test("a manifest is found where registries keep manifests", async (t) => {
  const { registry, lastResort } = await open(t, (host) => [{ registry: host, repository: "a" }]);
  const bytes = Buffer.from('{"schemaVersion":2}');
  const { digest, size } = registry.addManifest(bytes, mediaTypes.ociManifest);
  const read = await collect(lastResort.read({ digest, size }, { start: 0, signal: t.signal }));
  assert.deepEqual(read, bytes);
});

test("a blob of which no repository is known, or that none has, is not found", async (t) => {
  const unknown = await open(t, () => []);
  const options = { start: 0, signal: t.signal };
  await assert.rejects(collect(unknown.lastResort.read(named, options)), BlobNotFoundError);
  const empty = await open(t, (host) => [{ registry: host, repository: "a" }]);
  await assert.rejects(collect(empty.lastResort.read(named, options)), BlobNotFoundError);
});

test("a blob is described by all of its bytes, unless it is another one", async (t) => {
  const { registry, lastResort } = await open(t, (host) => [{ registry: host, repository: "a" }]);
  registry.addBlob(blob.bytes);
  const folder = testFolder(t, "last-resort");
  const path = join(folder, "data");
  await writeFile(path, "part of it");
  const { infoHash } = await lastResort.describe({ ...named, path }, { signal: t.signal });
  assert.equal(infoHash, blob.metainfo.infoHash);
  assert.deepEqual(await readFile(path), blob.bytes);
  registry.fault = (_, response) => {
    response.end(Buffer.alloc(blob.bytes.length));
    return true;
  };
  const wrong = lastResort.describe({ ...named, path }, { signal: t.signal });
  await assert.rejects(wrong, DigestMismatchError);
});

test("a read that is cancelled asks nobody else", async (t) => {
  const { registry, lastResort } = await open(t, (host) =>
    ["a", "b"].map((repository) => ({ registry: host, repository })),
  );
  const controller = new AbortController();
  registry.fault = () => {
    controller.abort(new Error("enough"));
    return true;
  };
  const reading = collect(lastResort.read(named, { start: 0, signal: controller.signal }));
  await assert.rejects(reading, /enough/);
  assert.equal(registry.requests.length, 1);
});
