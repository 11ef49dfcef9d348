import assert from "node:assert/strict";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";

import { type Digest, digestOf, hexOf } from "../../core/digest.ts";
import {
  BlobNotFoundError,
  ImageNotFoundError,
  InvalidArgumentError,
  UnavailableError,
} from "../../core/errors.ts";
import { parseImageReference } from "../../core/image-reference.ts";
import { mediaTypes } from "../../core/media-type.ts";
import { testFolder } from "../../core/testing/test-folder.ts";
import { bytesOf, openTestSeeder } from "../open-test-seeder.test-support.ts";
import { DirectoryOrigin } from "./directory-origin.ts";

const layer = bytesOf(3_000_000, "layer");
const host = "images.example";

/** A directory as Docker's registry makes it, with one image. */
async function openDirectory(t: TestContext) {
  const path = testFolder(t);
  const root = join(path, "docker/registry/v2");
  const pathOf = (digest: Digest) => {
    const hex = hexOf(digest);
    return join(root, "blobs/sha256", hex.slice(0, 2), hex, "data");
  };
  const write = async (file: string, bytes: string | Uint8Array) => {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, bytes);
  };
  const add = async (bytes: Uint8Array) => {
    const digest = digestOf(bytes);
    await write(pathOf(digest), bytes);
    return { mediaType: "application/octet-stream", digest, size: bytes.byteLength };
  };
  const tag = async (name: string, digest: string) =>
    write(join(root, "repositories/pond/fish/_manifests/tags", name, "current/link"), digest);
  const config = await add(Buffer.from("{}"));
  const descriptor = await add(layer);
  const manifest = await add(
    Buffer.from(JSON.stringify({ schemaVersion: 2, config, layers: [descriptor] })),
  );
  await tag("latest", manifest.digest);
  return {
    path,
    origin: new DirectoryOrigin(path),
    pathOf,
    add,
    tag,
    manifest,
    config,
    descriptor,
  };
}

const reference = (text: string) => parseImageReference(`${host}/${text}`);

test("resolve() finds tags and digests, and says what they are", async (t) => {
  const { origin, add, tag, manifest, config } = await openDirectory(t);
  const expected = { ...manifest, mediaType: mediaTypes.ociManifest };
  assert.deepEqual(await origin.resolve(reference("pond/fish"), t), expected);
  const byDigest = reference(`pond/fish@${manifest.digest}`);
  assert.deepEqual(await origin.resolve(byDigest, t), expected);
  const docker = await add(
    Buffer.from(JSON.stringify({ mediaType: mediaTypes.dockerManifest, config, layers: [] })),
  );
  const index = await add(Buffer.from(JSON.stringify({ manifests: [docker] })));
  await tag("docker", docker.digest);
  await tag("index", `${index.digest}\n`);
  const typeOf = async (name: string) =>
    (await origin.resolve(reference(`pond/fish:${name}`), t)).mediaType;
  assert.equal(await typeOf("docker"), mediaTypes.dockerManifest);
  assert.equal(await typeOf("index"), mediaTypes.ociIndex);
});

test("resolve() tells what is not there from what is not as it should be", async (t) => {
  const { origin, add, tag, pathOf, manifest } = await openDirectory(t);
  const resolve = async (text: string) => origin.resolve(reference(text), t);
  await assert.rejects(resolve("pond/fish:none"), ImageNotFoundError);
  await assert.rejects(resolve("pond/frog"), ImageNotFoundError);
  await assert.rejects(resolve(`pond/fish@sha256:${"0".repeat(64)}`), ImageNotFoundError);
  await tag("empty", "");
  await assert.rejects(resolve("pond/fish:empty"), InvalidArgumentError);
  for (const text of ["null", "5", "nonsense", "{}", '{"mediaType": "text/plain"}']) {
    await tag("odd", (await add(Buffer.from(text))).digest);
    await assert.rejects(resolve("pond/fish:odd"), InvalidArgumentError, text);
  }
  await tag("long", (await add(Buffer.alloc(4 * 1024 * 1024 + 1))).digest);
  await assert.rejects(resolve("pond/fish:long"), UnavailableError);
  await rm(pathOf(manifest.digest));
  await mkdir(pathOf(manifest.digest));
  await assert.rejects(resolve("pond/fish"), UnavailableError);
});

test("blob() gives the bytes from where it is told to, and ends when it is told to", async (t) => {
  const { origin, descriptor, manifest } = await openDirectory(t);
  const read = async (start: number, of = descriptor, signal = t.signal) => {
    const chunks: Uint8Array[] = [];
    const from = { registry: host, repository: "pond/fish", descriptor: of };
    for await (const chunk of origin.blob(from, { start, signal })) chunks.push(chunk);
    return Buffer.concat(chunks);
  };
  assert.ok((await read(0)).equals(layer));
  assert.ok((await read(2_999_999)).equals(layer.subarray(2_999_999)));
  assert.equal((await read(3_000_000)).length, 0);
  assert.equal(digestOf(await read(0, manifest)), manifest.digest);
  const missing = { ...descriptor, digest: digestOf(Buffer.from("missing")) };
  await assert.rejects(read(0, missing), BlobNotFoundError);
  const aborted = AbortSignal.abort(new DOMException("enough", "AbortError"));
  await assert.rejects(read(0, descriptor, aborted), { name: "AbortError" });
});

test("a seeder preheats from a directory, and keeps no bytes that were changed in it", async (t) => {
  const directory = await openDirectory(t);
  const { path, descriptor } = directory;
  const config = { origins: [{ kind: "directory", host, path }] };
  const { preheat, blob } = await openTestSeeder(t, { config });
  await writeFile(directory.pathOf(descriptor.digest), Buffer.alloc(layer.length));
  const failed = await preheat({ image: `${host}/pond/fish` });
  assert.match(failed.blobs.get(descriptor.digest)?.problem ?? "", /digest is/);
  await writeFile(directory.pathOf(descriptor.digest), layer);
  const good = await preheat({ image: `${host}/pond/fish` });
  assert.equal(good.end.ok, true);
  const answer = Buffer.from(await (await blob(descriptor.digest)).arrayBuffer());
  assert.ok(answer.equals(layer));
});

test("describe() tells how long a blob is, if it is there", async (t) => {
  const { origin, descriptor } = await openDirectory(t);
  const from = { registry: host, repository: "any/name" };
  assert.deepEqual(await origin.describe({ ...from, digest: descriptor.digest }, t), descriptor);
  const missing = digestOf(bytesOf(10, "missing"));
  await assert.rejects(origin.describe({ ...from, digest: missing }, t), BlobNotFoundError);
});
