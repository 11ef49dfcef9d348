import { z } from "zod";

import { byteCount } from "./fields.ts";

/**
 * Lowest limit, in bytes per second: below it a block of a peer would be more than the 5 % of 5 s
 * within which limits hold, and peers would take us for stalled.
 */
const rateMin = 1024 ** 2;

const bytesPerSecond = () =>
  byteCount()
    .refine((rate) => rate === 0 || rate >= rateMin, {
      error: "is too low for a limit, want at least 1MiB, or 0 for none",
    })
    .default(0);

/** How fast bytes may come and go; 0 where that is not limited. Can be changed while all runs. */
export const hostLimitsSchema = z.strictObject({
  /** What leaves this host for others: for peers, by HTTP, and to registries. */
  uploadBytesPerSecond: bytesPerSecond(),
  /** What comes to this host: from peers, from seeders by HTTP, and from registries. */
  downloadBytesPerSecond: bytesPerSecond(),
  /** Of that, what comes from registries. */
  originBytesPerSecond: bytesPerSecond(),
  /** Of what comes, what comes before anybody pulls it. */
  preheatBytesPerSecond: bytesPerSecond(),
});

/** Limits in bytes per second by what they are for; 0 where there is none. */
export function ratesOf(limits: HostLimitsConfig): {
  readonly upload: number;
  readonly download: number;
  readonly origin: number;
  readonly preheat: number;
} {
  return {
    upload: limits.uploadBytesPerSecond,
    download: limits.downloadBytesPerSecond,
    origin: limits.originBytesPerSecond,
    preheat: limits.preheatBytesPerSecond,
  };
}

/** Limits as a configuration has them. */
export type HostLimitsConfig = Readonly<z.output<typeof hostLimitsSchema>>;
