import assert from "node:assert/strict";
import { test } from "node:test";

import { digestOf } from "./digest.ts";
import { InvalidArgumentError } from "./errors.ts";
import { manifestLengthMax, mediaTypeOfManifest, parseImageManifest } from "./image-manifest.ts";
import { mediaTypes } from "./media-type.ts";
import { seededRandom } from "./testing/seeded-random.ts";

function descriptorOf(text: string) {
  return { mediaType: "x/y", digest: digestOf(Buffer.from(text)), size: text.length };
}

function encode(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

const [config, lower, upper] = ["config", "lower", "upper"].map(descriptorOf);
const manifest = { schemaVersion: 2, config, layers: [lower, upper] };

test("parseImageManifest() reads manifests with and without a media type", () => {
  const expected = { kind: "manifest", config, layers: [lower, upper] };
  assert.deepEqual(parseImageManifest(encode(manifest)), expected);
  assert.deepEqual(parseImageManifest(encode(manifest), mediaTypes.dockerManifest), expected);
  const own = { ...manifest, mediaType: mediaTypes.ociManifest };
  assert.deepEqual(parseImageManifest(encode(own), mediaTypes.ociIndex), expected);
});

test("parseImageManifest() reads indexes with their platforms", () => {
  const arm = { os: "linux", architecture: "arm64", variant: "v8" };
  const index = {
    manifests: [
      { ...lower, platform: arm },
      { ...upper, platform: { os: 1 } },
    ],
  };
  assert.deepEqual(parseImageManifest(encode(index)), {
    kind: "index",
    manifests: [{ descriptor: lower, platform: arm }, { descriptor: upper }],
  });
});

test("parseImageManifest() refuses what is not a manifest", () => {
  const bad: unknown[] = [
    null,
    [],
    7,
    {},
    { ...manifest, config: undefined },
    { ...manifest, layers: {} },
    { ...manifest, layers: [{ ...lower, digest: "sha256:../../x" }] },
    { ...manifest, layers: [{ ...lower, size: -1 }] },
    { ...manifest, layers: [{ ...lower, size: "1" }] },
    { ...manifest, layers: Array(1001).fill(lower) },
    { ...manifest, mediaType: "text/html" },
    { manifests: [null] },
  ];
  for (const value of bad) {
    assert.throws(
      () => parseImageManifest(encode(value)),
      InvalidArgumentError,
      JSON.stringify(value).slice(0, 60),
    );
  }
  const text = encode(manifest);
  for (let end = 0; end < text.length; end++) {
    assert.throws(() => parseImageManifest(text.subarray(0, end)), InvalidArgumentError);
  }
  assert.throws(
    () => parseImageManifest(Buffer.alloc(manifestLengthMax + 1, " ")),
    InvalidArgumentError,
  );
});

test("mediaTypeOfManifest() believes the document, and judges by its form what says nothing", () => {
  for (const [document, mediaType] of [
    [{ config, layers: [] }, mediaTypes.ociManifest],
    [{ manifests: [] }, mediaTypes.ociIndex],
    [{ mediaType: mediaTypes.dockerManifestList, manifests: [] }, mediaTypes.dockerManifestList],
    [{ mediaType: mediaTypes.dockerManifest, config, layers: [] }, mediaTypes.dockerManifest],
  ] as const) {
    assert.equal(mediaTypeOfManifest(encode(document)), mediaType);
  }
  for (const document of [{}, [], "text", { mediaType: "text/html", manifests: [] }]) {
    assert.throws(() => mediaTypeOfManifest(encode(document)), InvalidArgumentError);
  }
});

test("parseImageManifest() keeps nothing of a media type that is too long", () => {
  const layers = [{ ...lower, mediaType: "x".repeat(100_000) }];
  const parsed = parseImageManifest(encode({ ...manifest, layers }));
  assert.equal(parsed.kind === "manifest" && parsed.layers[0]?.mediaType, "");
});

test("parseImageManifest() reads or refuses bytes of any kind", () => {
  const random = seededRandom(7);
  const depth = 100_000;
  assert.throws(() => parseImageManifest(Buffer.from("[".repeat(depth))), InvalidArgumentError);
  for (let round = 0; round < 2000; round++) {
    const bytes = encode(round % 2 === 0 ? manifest : { manifests: [lower, upper] });
    for (let change = 0; change < 3; change++) {
      bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
    }
    try {
      parseImageManifest(bytes);
    } catch (error) {
      assert.ok(error instanceof InvalidArgumentError);
    }
  }
});
