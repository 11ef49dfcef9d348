import { open } from "node:fs/promises";

import { InvalidArgumentError } from "../core/errors.ts";

/** Longest file that is read: configurations are short, and a wrong name may be a disk. */
const lengthMax = 1024 * 1024;

/** Text that is written back must be the same bytes, so nothing is replaced or left out. */
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Reads a file that a person named.
 *
 * @throws {InvalidArgumentError} when it cannot be read, is longer than 1 MiB, or is no UTF-8.
 */
export async function readTextFile(path: string): Promise<string> {
  try {
    const file = await open(path, "r");
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(lengthMax + 1), 0);
      if (bytesRead > lengthMax) throw new Error(`it is longer than ${lengthMax} bytes`);
      return decoder.decode(buffer.subarray(0, bytesRead));
    } finally {
      await file.close();
    }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new InvalidArgumentError(`Cannot read ${path}: ${why}`, { cause });
  }
}
