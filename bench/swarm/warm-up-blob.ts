import { join } from "node:path";

import { type SampleBlob, writeSampleBlob } from "../sample-blob.ts";

/** Enough pieces for nodes to trade some; a slow link of a crowd has it after some seconds. */
const warmUpSizeBytes = 4_000_000;

/** Writes what all nodes of a crowd fetch before it is measured. */
export function writeWarmUpBlob(directory: string): Promise<SampleBlob> {
  const warmUpDirectory = join(directory, "warm-up");
  return writeSampleBlob({ size: warmUpSizeBytes, seed: "warm-up", directory: warmUpDirectory });
}
