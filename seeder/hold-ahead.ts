import type { BlobRoom } from "./blob-room.ts";

/** Room that is made in advance of the bytes: as much again as is here, within these bounds. */
const stepBytesMin = 1024 * 1024;
const stepBytesMax = 64 * 1024 * 1024;

/**
 * Makes room for the bytes of an ingest up to `end`, which are about to be written, and for some
 * more, up to `endTold` at most: how long it will be is somebody's word, for which nothing that
 * is here leaves. Gives up to where there is room.
 *
 * @throws {StorageFullError} when what is here may not leave for them.
 */
export async function holdAhead(
  room: Pick<BlobRoom, "hold">,
  { ref, end, endTold }: { readonly ref: string; readonly end: number; readonly endTold: number },
): Promise<number> {
  const step = Math.min(Math.max(end, stepBytesMin), stepBytesMax);
  const ahead = Math.max(end, Math.min(endTold, end + step));
  try {
    await room.hold(ref, ahead);
    return ahead;
  } catch {
    // Others may have the room that would be made in advance.
    await room.hold(ref, end);
    return end;
  }
}
