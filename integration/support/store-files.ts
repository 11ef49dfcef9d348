import assert from "node:assert/strict";
import { open, readdir } from "node:fs/promises";
import { createHash } from "node:crypto";
import { join } from "node:path";

import type { Descriptor } from "../../core/descriptor.ts";
import { hexOf } from "../../core/digest.ts";

/** Where a content store on disk has a blob. */
export function storedBlobPath(storePath: string, { digest }: Pick<Descriptor, "digest">): string {
  return join(storePath, "blobs", "sha256", hexOf(digest));
}

/** The blobs that a content store on disk has, each of which must be what its name says. */
export async function checkedBlobs(storePath: string): Promise<readonly string[]> {
  const folder = join(storePath, "blobs", "sha256");
  const names = await readdir(folder);
  for (const name of names) {
    const hash = createHash("sha256");
    const file = await open(join(folder, name));
    for await (const chunk of file.createReadStream()) hash.update(chunk as Buffer);
    assert.equal(hash.digest("hex"), name, "a blob on disk is not what its name says");
  }
  return names.map((name) => `sha256:${name}`);
}

/** Changes a byte in every few of a file, in place: who has it open sees it too. */
export async function damageFile(path: string): Promise<void> {
  const file = await open(path, "r+");
  try {
    const { size } = await file.stat();
    const byte = Buffer.alloc(1);
    for (let offset = 0; offset < size; offset += damageIntervalBytes) {
      await file.read(byte, 0, 1, offset);
      await file.write(Buffer.from([(byte[0] ?? 0) ^ 0xff]), 0, 1, offset);
    }
  } finally {
    await file.close();
  }
}

/** No piece is longer, so none is right. */
const damageIntervalBytes = 64 * 1024;
