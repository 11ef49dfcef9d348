import { LayerFormatError } from "../errors.ts";

/** A time since the Unix epoch; `nanoseconds` is never below zero, as in the kernel. */
export interface Timestamp {
  readonly seconds: number;
  readonly nanoseconds: number;
}

/** The times that a file is given. */
export interface FileTimes {
  readonly accessed: Timestamp;
  readonly modified: Timestamp;
}

const epoch: Timestamp = { seconds: 0, nanoseconds: 0 };

/** The last time that Go counts nanoseconds to: 2^63 - 1 of them. */
const latest: Timestamp = { seconds: 9_223_372_036, nanoseconds: 854_775_807 };

/**
 * The times that containerd gives an entry: it was last read when it was last changed, at the
 * earliest, and what no 64-bit count of nanoseconds since the epoch holds is the epoch.
 *
 * @see containerd archive/time.go
 */
export function fileTimesFrom(modified: Timestamp, accessed: Timestamp | undefined): FileTimes {
  const latestOfBoth = accessed && isBefore(modified, accessed) ? accessed : modified;
  return { accessed: bounded(latestOfBoth), modified: bounded(modified) };
}

/**
 * Reads a time of a PAX record, decimal seconds with a fraction of any length.
 *
 * @throws {LayerFormatError}
 */
export function parsePaxTime(text: string): Timestamp {
  const [, sign = "", whole = "", fraction = ""] = /^(-?)(\d{1,19})(?:\.(\d*))?$/.exec(text) ?? [];
  if (whole === "") {
    throw new LayerFormatError(`Cannot read layer: time ${JSON.stringify(text)} is none`);
  }
  const nanoseconds = Number(fraction.slice(0, 9).padEnd(9, "0"));
  if (sign === "") return { seconds: Number(whole), nanoseconds };
  if (nanoseconds === 0) return { seconds: -Number(whole), nanoseconds };
  return { seconds: -Number(whole) - 1, nanoseconds: 1_000_000_000 - nanoseconds };
}

function bounded(time: Timestamp): Timestamp {
  return isBefore(time, epoch) || isBefore(latest, time) ? epoch : time;
}

function isBefore(a: Timestamp, b: Timestamp): boolean {
  return a.seconds < b.seconds || (a.seconds === b.seconds && a.nanoseconds < b.nanoseconds);
}
