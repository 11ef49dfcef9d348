import { InvalidArgumentError } from "../../core/errors.ts";
import type { Labels } from "../../core/ports/blob-store.ts";

/** Longest label, key and value together. @see containerd pkg/labels/validate.go */
const labelBytesMax = 4096;

/** @throws {InvalidArgumentError} when a label is longer than containerd lets one be. */
export function parseLabels(labels: Record<string, string>): Labels {
  for (const [key, value] of Object.entries(labels)) {
    if (Buffer.byteLength(key) + Buffer.byteLength(value) > labelBytesMax) {
      const name = JSON.stringify(key.slice(0, 64));
      throw new InvalidArgumentError(`Cannot set label ${name}: over ${labelBytesMax} bytes`);
    }
  }
  return labels;
}
