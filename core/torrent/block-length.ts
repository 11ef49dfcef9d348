import { blockLengthBulk, blockLengthMin } from "./limits.ts";

/** Part of a second for which one block may hold up those of others. */
const holdUpPart = 1 / 100;

/**
 * Longest block that a node offers to answer, in bytes, a power of two. Blocks go through an
 * upload limit as a whole, one after the other: with long ones many who ask a slow node would
 * each get nothing for so long that they take it for dead.
 *
 * @param uploadRate The limit in bytes per second; 0 for none.
 */
export function blockLengthFor(uploadRate: number): number {
  if (uploadRate === 0) return blockLengthBulk;
  const length = 2 ** Math.floor(Math.log2(uploadRate * holdUpPart));
  return Math.min(blockLengthBulk, Math.max(blockLengthMin, length));
}
