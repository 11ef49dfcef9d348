import assert from "node:assert/strict";
import { test } from "node:test";

import { digestOf } from "./digest.ts";
import { InvalidArgumentError } from "./errors.ts";
import { configLengthMax, parseImageConfig } from "./image-config.ts";

const diffIds = ["lower", "upper"].map((text) => digestOf(Buffer.from(text)));

function encode(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

test("parseImageConfig() tells the diffIDs of an image's layers", () => {
  const config = { architecture: "amd64", rootfs: { type: "layers", diff_ids: diffIds } };
  assert.deepEqual(parseImageConfig(encode(config)), { diffIds });
  assert.deepEqual(parseImageConfig(encode({ rootfs: { diff_ids: [] } })), { diffIds: [] });
});

test("parseImageConfig() refuses what is not the config of an image", () => {
  const bad: unknown[] = [
    null,
    [],
    "rootfs",
    {},
    { rootfs: [] },
    { rootfs: { diff_ids: "sha256:" } },
    { rootfs: { diff_ids: [7] } },
    { rootfs: { diff_ids: ["sha256:../../etc"] } },
    { rootfs: { diff_ids: Array(1001).fill(diffIds[0]) } },
  ];
  for (const value of bad) {
    assert.throws(() => parseImageConfig(encode(value)), InvalidArgumentError);
  }
  const tooLong = Buffer.alloc(configLengthMax + 1, " ");
  assert.throws(() => parseImageConfig(tooLong), /too long/);
  assert.throws(() => parseImageConfig(Buffer.from([0xff, 0x7b])), /not JSON/);
});
