import { pause } from "../core/async/pause.ts";
import type { Descriptor } from "../core/descriptor.ts";
import { RefLockedError, StorageFullError } from "../core/errors.ts";
import { blobSizeMax, pieceLayoutOf } from "../core/piece-layout.ts";
import type { BlobRecord, BlobWriter, Ingest } from "../core/ports/blob-store.ts";
import type { Cancellable } from "../core/ports/cancellable.ts";
import type { Authorization, Repository } from "../core/ports/origin.ts";
import type { ArrivalRoom } from "./arrival-room.ts";
import type { BlobArrival } from "./blob-arrival.ts";
import type { FirstPieces } from "./first-pieces.ts";
import { halfRefOf } from "./half-ref.ts";
import { type BlobGiver, type SecondHandOptions, isWrongBlob } from "./second-hand.ts";

/** A blob, and the repository that it may be had from. */
export interface OriginBlob extends Repository {
  readonly descriptor: Descriptor;
  /** In whose name the origin is asked for it, this once; left out: the seeder's own. */
  readonly authorization?: Authorization | undefined;
}

/** Tries to open a half, and milliseconds between them: all of 10 GB are read again in that time. */
const openTriesMax = 600;
const openPauseMs = 100;

/** Told how many bytes of a blob are here. */
export type OnBytes = (bytes: number) => void;

/**
 * Fetches a blob from its origin into the store, going on where an earlier try at that ended.
 * Its pieces are hashed as it is written. Nothing is kept of bytes that are not the
 * digest's, nor where the disk is full: a half must not be what fills it. Nor is a half
 * kept that has bytes of another seeder, for the origin's would be added to what may be wrong.
 *
 * @param room Made as the origin gives bytes, and not before.
 * @param arrival Grows with it, for others to read along.
 * @param isAhead Whether nobody waits for it now.
 * @param firstPieces Its turn is waited for with the first piece, unless nobody waits for the blob.
 * @param onBytes Told how much was here before, and then after each chunk.
 * @throws {BlobSizeError} and {DigestMismatchError} when the origin gives other bytes.
 * @throws what the origin and the store throw
 */
export async function fetchBlob(
  blob: OriginBlob,
  {
    store,
    origin,
    room,
    arrival,
    isAhead,
    firstPieces,
    onBytes,
    signal,
    ...hands
  }: Cancellable &
    Pick<SecondHandOptions, "isFirstHand" | "onSecondHand"> & {
      readonly store: Pick<BlobWriter, "openIngest" | "abortIngest">;
      readonly origin: BlobGiver;
      readonly room: Pick<ArrivalRoom, "reach">;
      readonly arrival: Pick<BlobArrival, "begin" | "grow">;
      readonly isAhead: () => boolean;
      readonly firstPieces: Pick<FirstPieces, "turn">;
      readonly onBytes: OnBytes;
    },
): Promise<BlobRecord> {
  const { authorization, descriptor } = blob;
  const { digest, size } = descriptor;
  const ref = halfRefOf(blob);
  const ingest = await openIngest(store, { ref, size, signal });
  let turn: Disposable | undefined;
  const half = { isSecondHand: false };
  const onSecondHand = (bytes: number) => {
    half.isSecondHand = true;
    hands.onSecondHand?.(bytes);
  };
  try {
    onBytes(ingest.status.offset);
    const start = ingest.status.offset;
    const onTaken = () => arrival.grow(ingest);
    const options = { start, authorization, isAhead, signal, ...hands, onSecondHand };
    for await (const chunk of origin.blob(blob, options)) {
      await room.reach(ingest.status.offset + chunk.byteLength);
      await ingest.write(chunk, { onTaken });
      await arrival.begin(ingest);
      onBytes(ingest.status.offset);
      if (ingest.status.offset >= firstPieceEndOf(size)) turn?.[Symbol.dispose]();
      else if (!isAhead()) turn ??= await firstPieces.turn(blob.registry, { signal });
    }
    const provenance = "pull";
    const expected = { expected: digest, size, labels: {}, provenance, owned: false } as const;
    return await ingest.commit(expected);
  } catch (error) {
    if (half.isSecondHand || isBeyondResume(error)) await store.abortIngest(ref);
    throw error;
  } finally {
    turn?.[Symbol.dispose]();
    await ingest.close();
  }
}

/** 0 for a blob that has no other pieces, or is too large for any swarm. */
function firstPieceEndOf(size: number): number {
  if (size < 1 || size > blobSizeMax) return 0;
  const { pieceCount, pieceLength } = pieceLayoutOf(size);
  return pieceCount > 1 ? pieceLength : 0;
}

async function openIngest(
  store: Pick<BlobWriter, "openIngest">,
  { ref, size, signal }: Cancellable & { readonly ref: string; readonly size: number },
): Promise<Ingest> {
  for (let tries = 1; ; tries++) {
    try {
      return await store.openIngest(ref, { total: size });
    } catch (error) {
      // After a restart the store reads again what a large half has.
      if (!(error instanceof RefLockedError) || tries === openTriesMax) throw error;
      await pause(openPauseMs, signal);
    }
  }
}

/** A half that cannot become the blob must not be found again by the next try. */
function isBeyondResume(error: unknown): boolean {
  return isWrongBlob(error) || error instanceof StorageFullError;
}
