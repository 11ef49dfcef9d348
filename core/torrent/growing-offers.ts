import { InvalidArgumentError } from "../errors.ts";
import { growingInfoHash } from "../growing-torrent.ts";
import type { InfoHash } from "../info-hash.ts";
import { pieceHashLength } from "../piece-hasher.ts";
import { type PieceLayout, pieceLayoutOf } from "../piece-layout.ts";
import type { GrowingBlob, GrowingSeed } from "../ports/swarm.ts";
import type { JoinedSwarms, Participant } from "./joined-swarms.ts";
import type { SwarmCommand } from "./worker-protocol.ts";

export interface GrowingOffersDeps {
  readonly joined: JoinedSwarms;
  readonly post: (command: SwarmCommand) => void;
  readonly onStart: (infoHash: InfoHash) => void;
  /** Called after the blob was taken out of the list. */
  readonly onStop: (infoHash: InfoHash) => void;
}

/** The blobs that we offer while they are being received, on the thread of their owners. */
export class GrowingOffers {
  readonly #deps: GrowingOffersDeps;
  readonly #offers = new Set<GrowingOffer>();
  #lastId = 0;

  constructor(deps: GrowingOffersDeps) {
    this.#deps = deps;
  }

  /** Those that are offered now. */
  get all(): ReadonlySet<GrowingOffer> {
    return this.#offers;
  }

  has(infoHash: InfoHash): boolean {
    return [...this.#offers].some((offer) => offer.infoHash === infoHash);
  }

  add(blob: GrowingBlob): GrowingSeed {
    const { joined, post, onStart, onStop } = this.#deps;
    const offer: GrowingOffer = new GrowingOffer({
      ...{ id: ++this.#lastId, blob, post },
      onDispose: async () => {
        this.#offers.delete(offer);
        onStop(offer.infoHash);
        await joined.leave(offer.infoHash, offer);
      },
    });
    this.#offers.add(offer);
    onStart(offer.infoHash);
    offer.postAll();
    joined.join(offer.infoHash, offer);
    return offer;
  }

  /** Tells an engine that knows nothing. */
  postAll(): void {
    for (const offer of this.#offers) offer.postAll();
  }
}

/** One blob that is offered while it is being received. */
class GrowingOffer implements GrowingSeed, Participant {
  readonly blob: GrowingBlob;
  readonly infoHash: InfoHash;
  readonly #id: number;
  readonly #layout: PieceLayout;
  readonly #post: (command: SwarmCommand) => void;
  readonly #onDispose: () => Promise<void>;
  #pieces = 0;
  #disposal: Promise<void> | undefined;

  constructor(deps: {
    readonly id: number;
    readonly blob: GrowingBlob;
    readonly post: (command: SwarmCommand) => void;
    readonly onDispose: () => Promise<void>;
  }) {
    this.blob = deps.blob;
    this.infoHash = growingInfoHash(deps.blob);
    this.#id = deps.id;
    this.#layout = pieceLayoutOf(deps.blob.size);
    this.#post = deps.post;
    this.#onDispose = deps.onDispose;
  }

  get bytesDone(): number {
    return Math.min(this.blob.size, this.#pieces * this.#layout.pieceLength);
  }

  left(): number {
    return this.blob.size - this.bytesDone;
  }

  downloaded(): number {
    return 0;
  }

  onPeers(): void {
    // They come to us.
  }

  grow(pieceHashes: Uint8Array): void {
    const pieces = this.#pieces + pieceHashes.byteLength / pieceHashLength;
    if (!Number.isInteger(pieces) || pieces > this.#layout.pieceCount) {
      const told = `${pieceHashes.byteLength} bytes of hashes after ${this.#pieces} pieces`;
      throw new InvalidArgumentError(`Cannot offer blob ${this.blob.digest}: ${told}`);
    }
    this.#pieces = pieces;
    if (!this.#disposal) this.#post({ type: "grow", id: this.#id, pieces });
  }

  /** Tells an engine that knows nothing of it. */
  postAll(): void {
    const { size, path, movedTo } = this.blob;
    const { infoHash } = this;
    this.#post({ type: "seedGrowing", id: this.#id, infoHash, size, path, movedTo });
    this.#post({ type: "grow", id: this.#id, pieces: this.#pieces });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposal ??= this.#dispose();
    await this.#disposal;
  }

  async #dispose(): Promise<void> {
    this.#post({ type: "withdrawGrowing", id: this.#id });
    await this.#onDispose();
  }
}
