import { createHash } from "node:crypto";
import { open } from "node:fs/promises";

import { type Digest, digestFromHash } from "../digest.ts";
import { DataLossError } from "../errors.ts";

/** The sha256 of one file, computed while its first bytes grow. */
export interface RunningDigest extends Disposable {
  /** Bytes up to `end` are there to be read. */
  advance(end: number): void;
  /** Resolves once all bytes were there and were hashed. @throws {DataLossError} */
  result(): Promise<Digest>;
}

/** Read at once, in bytes: hashing them holds the thread up for half a millisecond. */
const chunkLength = 512 * 1024;

/** Hashes a file of `size` bytes on the thread of the caller, some at a time. */
export function startGrowingDigest(path: string, size: number): RunningDigest {
  const { promise, resolve, reject } = Promise.withResolvers<Digest>();
  promise.catch(() => undefined);
  const hash = createHash("sha256");
  let [hashed, end] = [0, 0];
  let isReading = false;
  let isOver = false;

  const readOn = async () => {
    const file = await open(path, "r");
    try {
      const chunk = Buffer.allocUnsafe(Math.min(chunkLength, size));
      while (hashed < end && !isOver) {
        const length = Math.min(chunk.length, end - hashed);
        const { bytesRead } = await file.read(chunk, 0, length, hashed);
        if (bytesRead === 0) throw new Error("file is too short");
        hash.update(chunk.subarray(0, bytesRead));
        hashed += bytesRead;
      }
    } finally {
      await file.close();
    }
  };
  const pump = () => {
    if (isReading || isOver) return;
    isReading = true;
    readOn().then(
      () => {
        isReading = false;
        if (isOver) return;
        if (hashed === size) resolve(digestFromHash(hash));
        else if (hashed < end) pump();
      },
      (cause: unknown) => reject(new DataLossError("Cannot hash blob", { cause })),
    );
  };
  return {
    advance: (until) => {
      end = Math.max(end, until);
      pump();
    },
    result: () => promise,
    [Symbol.dispose]: () => (isOver = true),
  };
}
