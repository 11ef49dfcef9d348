import { z } from "zod";

/**
 * What a peer process is told, as JSON in its only argument. It writes a line to
 * standard output when it is ready, begins at SIGUSR2, and goes on giving after it is
 * done until SIGTERM.
 */
const schema = z.strictObject({
  role: z.enum(["seed", "leech"]),
  torrentPath: z.string(),
  /** Folder of the file, which is named as the torrent says. */
  directory: z.string(),
  host: z.string(),
  port: z.number(),
  /** Where the seeder listens: known from the first moment, as with us in real life. */
  seeder: z.strictObject({ host: z.string(), port: z.number() }),
  /** Announce URL of a tracker to find the other leechers by. */
  tracker: z.string().optional(),
  /** Where the host is, as `formatPlace()` has it; of ours only. */
  place: z.string().optional(),
  /**
   * Torrent of a small blob, beside its file: the seeder gives it, and a leecher fetches it
   * before it is ready; of ours only.
   */
  warmUpPath: z.string().optional(),
  /** Whether somebody reads the blob from its start while it arrives; of our leechers only. */
  withReader: z.boolean().optional(),
});

export type PeerSpec = z.infer<typeof schema>;

export function parsePeerSpec(text: string | undefined): PeerSpec {
  return schema.parse(JSON.parse(text ?? ""));
}

/** Said once the peer listens. */
export const readyLine = "ready";

/** Said once: `done <ms until all is checked and in the file> <ms until it is on the disk>`. */
export const donePattern = /^done ([\d.]+) ([\d.]+)$/m;

export function doneLine(checkedMs: number, durableMs: number): string {
  return `done ${checkedMs.toFixed(1)} ${durableMs.toFixed(1)}`;
}
