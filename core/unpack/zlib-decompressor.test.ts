import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";

import { LayerFormatError } from "../errors.ts";
import { chunkLength } from "./decompressor.ts";
import { ZlibDecompressor, isZlibUsable } from "./zlib-decompressor.ts";

const compress = { gzip: gzipSync, zstd: zstdCompressSync };

/** Neither all alike nor all random, and no multiple of a chunk. */
const content = Buffer.concat([Buffer.alloc(3 * chunkLength, "shoal "), randomBytes(70_001)]);

test("the zlib of this Node can be driven synchronously", () => {
  assert.equal(isZlibUsable(), true);
});

for (const compression of ["gzip", "zstd"] as const) {
  describe(`ZlibDecompressor, ${compression}`, () => {
    const compressed = compress[compression](content);

    test("gives back what was compressed, in chunks that are not too long", () => {
      assert.deepEqual(decompress(compression, [compressed]), content);
    });

    test("takes any cut of its input, also a byte at a time", () => {
      const small = compress[compression](content.subarray(-5000));
      const bytes = [...small].map((byte) => Buffer.of(byte));
      assert.deepEqual(decompress(compression, bytes), content.subarray(-5000));
    });

    test("gives all of an output that fills chunks exactly", () => {
      for (const size of [chunkLength, 2 * chunkLength]) {
        const zeros = Buffer.alloc(size);
        assert.deepEqual(decompress(compression, [compress[compression](zeros)]), zeros);
      }
    });

    test("takes several members one after the other, wherever they are cut", () => {
      const [first, second] = [Buffer.from("first "), Buffer.from("second")];
      const both = Buffer.concat(
        [first, Buffer.alloc(0), second].map((part) => compress[compression](part)),
      );
      for (let cut = 0; cut <= both.length; cut++) {
        const parts = [both.subarray(0, cut), both.subarray(cut)];
        assert.equal(decompress(compression, parts).toString(), "first second");
      }
    });

    test("refuses bytes behind the end, wherever they are cut", () => {
      for (const garbage of ["garbage!", "\0\0\0\0\0\0\0\0"]) {
        const parts = [compressed, Buffer.from(garbage)];
        assert.throws(() => decompress(compression, parts), LayerFormatError);
        assert.throws(() => decompress(compression, [Buffer.concat(parts)]), LayerFormatError);
      }
    });

    test("refuses damaged bytes", () => {
      const damaged = Buffer.from(compressed);
      damaged.fill(0x55, 12, 24);
      assert.throws(() => decompress(compression, [damaged]), LayerFormatError);
    });

    test("can be thrown away in the middle", () => {
      const decompressor = new ZlibDecompressor(compression);
      decompressor.push(compressed);
      decompressor.pull();
      decompressor[Symbol.dispose]();
    });
  });
}

test("a gzip stream that is cut off anywhere is refused", () => {
  const compressed = gzipSync("some content");
  for (let length = 0; length < compressed.length; length++) {
    const part = compressed.subarray(0, length);
    assert.throws(() => decompress("gzip", [part]), LayerFormatError, `${length} bytes`);
  }
});

test("a gzip stream with a wrong checksum is refused", () => {
  const compressed = gzipSync("some content");
  compressed.writeUInt32LE(1, compressed.length - 8);
  assert.throws(() => decompress("gzip", [compressed]), LayerFormatError);
});

test("skippable frames of zstd are skipped", () => {
  const frame = Buffer.from("502a4d1804000000aabbccdd", "hex");
  const parts = [frame, zstdCompressSync("content"), frame];
  assert.equal(decompress("zstd", [Buffer.concat(parts)]).toString(), "content");
});

test("a zstd frame whose window is beyond the bound is refused before it takes memory", () => {
  // The start of a frame that does not say its size: window descriptors of 32 and 64 MiB.
  const [allowed, tooLong] = ["28b52ffd0078", "28b52ffd0080"];
  assert.deepEqual(pushAll("zstd", [Buffer.from(allowed, "hex")]), []);
  assert.throws(() => pushAll("zstd", [Buffer.from(tooLong, "hex")]), LayerFormatError);
});

function pushAll(compression: "gzip" | "zstd", parts: readonly Buffer[]): Buffer[] {
  const decompressor = new ZlibDecompressor(compression);
  try {
    return pulledFrom(decompressor, parts);
  } finally {
    decompressor[Symbol.dispose]();
  }
}

function decompress(compression: "gzip" | "zstd", parts: readonly Buffer[]): Buffer {
  const decompressor = new ZlibDecompressor(compression);
  try {
    const chunks = pulledFrom(decompressor, parts);
    decompressor.finish();
    return Buffer.concat(chunks);
  } finally {
    decompressor[Symbol.dispose]();
  }
}

function pulledFrom(decompressor: ZlibDecompressor, parts: readonly Buffer[]): Buffer[] {
  const chunks: Buffer[] = [];
  for (const part of parts) {
    decompressor.push(part);
    for (let chunk = decompressor.pull(); chunk; chunk = decompressor.pull()) {
      assert.ok(chunk.byteLength > 0 && chunk.byteLength <= chunkLength);
      chunks.push(Buffer.from(chunk));
    }
  }
  return chunks;
}
