import type { FileHandle } from "node:fs/promises";

import type { Descriptor } from "../../core/descriptor.ts";
import type { Digest } from "../../core/digest.ts";
import { UnavailableError } from "../../core/errors.ts";
import type { BlobReader } from "../../core/ports/blob-store.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";
import type { LayerFile } from "../../core/ports/layer-unpacker.ts";
import type { Arrival } from "../arrival.ts";
import type { Arrivals } from "../arrivals.ts";
import type { RecentBlobs } from "../recent-blobs.ts";

/** How often a file is looked for that moves to its place while we look. */
const triesMax = 5;

/** The bytes of a layer that is in the store or on its way there. Dispose of it to close its file. */
export interface LayerBytes extends LayerFile, AsyncDisposable {
  /** Bytes that are here, in whatever order they came. */
  readonly bytesHere: number;
}

/** What {@link openLayerBytes} works with. */
export interface LayerBytesDeps {
  readonly store: Pick<BlobReader, "find" | "open">;
  readonly arrivals: Pick<Arrivals, "find" | "start" | "claim">;
  readonly recent: Pick<RecentBlobs, "touch">;
}

/**
 * Opens the blob of a layer: the one in the store, or else the one that arrives from the
 * swarm, which is started if nobody did. It goes on arriving as long as it is open.
 *
 * @throws {UnavailableError} when it is neither here nor to be had, or has another size.
 */
export async function openLayerBytes(
  deps: LayerBytesDeps,
  { digest, size }: Pick<Descriptor, "digest" | "size">,
  { signal }: Cancellable,
): Promise<LayerBytes> {
  const { store, arrivals, recent } = deps;
  recent.touch(digest);
  for (let attempt = 0; attempt < triesMax; attempt++) {
    const record = store.find(digest);
    if (record && record.size !== size) break;
    if (record?.whole) return openStored(store, digest);
    const arrival = arrivals.start({ digest, size, promised: false });
    if (arrival.size !== size) break;
    const bytes = await openArriving(deps, arrival, signal);
    if (bytes) return bytes;
  }
  throw new UnavailableError(`Cannot read layer ${digest}: there is no such blob of ${size} bytes`);
}

async function openStored(store: LayerBytesDeps["store"], digest: Digest): Promise<LayerBytes> {
  const file = await store.open(digest);
  const { fd, size } = file;
  return {
    ...{ fd, size, bytesHere: size },
    availableEnd: async () => size,
    [Symbol.asyncDispose]: () => file[Symbol.asyncDispose](),
  };
}

/** `undefined` when it became whole before its file was open: that is elsewhere now. */
async function openArriving(
  { arrivals }: LayerBytesDeps,
  arrival: Arrival,
  signal: AbortSignal,
): Promise<LayerBytes | undefined> {
  const claim = arrivals.claim(arrival.digest);
  try {
    await arrival.ready({ start: 0, end: 1 }, { signal });
    const file = await arrival.open();
    if (file) return new ArrivingBytes(arrival, { file, claim });
  } catch (error) {
    claim[Symbol.dispose]();
    throw error;
  }
  claim[Symbol.dispose]();
  return undefined;
}

/** A file that the swarm fills in any order. It stays the same file when it moves to its place. */
class ArrivingBytes implements LayerBytes {
  readonly fd: number;
  readonly size: number;
  readonly #arrival: Arrival;
  readonly #file: FileHandle;
  readonly #claim: Disposable;

  constructor(
    arrival: Arrival,
    { file, claim }: { readonly file: FileHandle; readonly claim: Disposable },
  ) {
    this.fd = file.fd;
    this.size = arrival.size;
    this.#arrival = arrival;
    this.#file = file;
    this.#claim = claim;
  }

  get bytesHere(): number {
    return this.#arrival.bytesDone;
  }

  async availableEnd(offset: number, { signal }: Cancellable): Promise<number> {
    for (;;) {
      const isWhole = this.#arrival.ended && this.#arrival.failure === undefined;
      const end = isWhole ? this.size : (this.#arrival.locate(offset)?.availableEnd ?? offset);
      if (end > offset || offset >= this.size) return end;
      // The pieces that follow come before others, too: it need not wait for them.
      await this.#arrival.ready({ start: offset, end: offset + 1 }, { signal });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#claim[Symbol.dispose]();
    await this.#file.close();
  }
}
