import assert from "node:assert/strict";
import { test } from "node:test";

import type { Descriptor } from "../../core/descriptor.ts";
import { type Digest, digestOf } from "../../core/digest.ts";
import { mediaTypes } from "../../core/media-type.ts";
import type { Repository } from "../../core/ports/origin.ts";
import { Provenance } from "./provenance.ts";

const index = digestOf(Buffer.from("index"));
const manifest = digestOf(Buffer.from("manifest"));
const layer = digestOf(Buffer.from("layer"));
const config = digestOf(Buffer.from("config"));

function repositoryOf(repository: string): Repository {
  return { registry: "registry.example:5000", repository };
}

function descriptorOf(digest: Digest, size = 10): Descriptor {
  return { digest, size, mediaType: "application/octet-stream" };
}

function imageOf(...layers: Descriptor[]) {
  return { kind: "manifest", config: descriptorOf(config), layers } as const;
}

test("a blob that nobody named is not known", () => {
  assert.equal(new Provenance().find(layer), undefined);
});

test("the repository that named a blob last is the likeliest, and is told once", () => {
  const provenance = new Provenance();
  for (const name of ["old", "new", "old"]) provenance.learn(repositoryOf(name), { digest: layer });
  const { repositories } = provenance.find(layer) ?? {};
  assert.deepEqual(repositories, [repositoryOf("old"), repositoryOf("new")]);
});

test("what an index and its manifest name is where the index is, whichever was known first", () => {
  const provenance = new Provenance();
  provenance.learnChildren(manifest, imageOf(descriptorOf(layer, 77)));
  assert.deepEqual(provenance.find(layer)?.repositories, []);
  provenance.learnChildren(index, {
    kind: "index",
    manifests: [{ descriptor: { ...descriptorOf(manifest), mediaType: mediaTypes.ociManifest } }],
  });
  provenance.learn(repositoryOf("app"), { digest: index });
  const expected = { repositories: [repositoryOf("app")], size: 77 };
  assert.deepEqual(provenance.find(layer), { ...expected, mediaType: "application/octet-stream" });
  assert.equal(provenance.find(manifest)?.mediaType, mediaTypes.ociManifest);
  assert.deepEqual(provenance.find(config)?.repositories, [repositoryOf("app")]);
});

test("a blob's own repository comes before those of its manifests", () => {
  const provenance = new Provenance();
  provenance.learn(repositoryOf("image"), { digest: manifest });
  provenance.learnChildren(manifest, imageOf(descriptorOf(layer)));
  provenance.learn(repositoryOf("base"), { digest: layer });
  const { repositories } = provenance.find(layer) ?? {};
  assert.deepEqual(repositories, [repositoryOf("base"), repositoryOf("image")]);
});

test("what is told without size and media type keeps those that were told before", () => {
  const provenance = new Provenance();
  provenance.learn(repositoryOf("app"), { digest: layer, size: 5, mediaType: "a/b" });
  provenance.learn(repositoryOf("app"), { digest: layer });
  assert.deepEqual(provenance.find(layer), {
    repositories: [repositoryOf("app")],
    size: 5,
    mediaType: "a/b",
  });
});

test("few repositories are told of a blob that is in many", () => {
  const provenance = new Provenance();
  for (let number = 0; number < 50; number++) {
    provenance.learn(repositoryOf(`image-${number}`), { digest: layer });
  }
  assert.equal(provenance.find(layer)?.repositories.length, 8);
});

test("manifests that name each other do not hold a look-up up", () => {
  const provenance = new Provenance();
  provenance.learnChildren(manifest, imageOf(descriptorOf(layer), descriptorOf(manifest)));
  provenance.learnChildren(layer, imageOf(descriptorOf(manifest)));
  assert.deepEqual(provenance.find(layer)?.repositories, []);
});

test("no more blobs are remembered than its bound", () => {
  const provenance = new Provenance();
  for (let number = 0; number < 20_001; number++) {
    provenance.learn(repositoryOf("app"), { digest: digestOf(Buffer.from(`blob ${number}`)) });
  }
  assert.equal(provenance.find(digestOf(Buffer.from("blob 0"))), undefined);
});
