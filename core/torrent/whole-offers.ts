import type { InfoHash } from "../info-hash.ts";
import type { SeededBlob } from "../ports/swarm.ts";
import type { JoinedSwarms, Participant } from "./joined-swarms.ts";
import type { SwarmCommand } from "./worker-protocol.ts";

export interface WholeOffersDeps {
  readonly joined: Pick<JoinedSwarms, "join" | "leave">;
  readonly post: (command: SwarmCommand) => void;
  readonly onStart: (infoHash: InfoHash) => void;
  /** Called after the blob was taken out of the list. */
  readonly onStop: (infoHash: InfoHash) => void;
}

interface WholeOffer {
  readonly blob: SeededBlob;
  readonly participant: Participant;
  /** Owners who have not let go of it. */
  ownerCount: number;
}

/**
 * The whole blobs that we offer, on the thread of their owners. One that several owners offer is
 * offered once, until the last of them lets go of it.
 */
export class WholeOffers {
  readonly #deps: WholeOffersDeps;
  readonly #offers = new Map<InfoHash, WholeOffer>();

  constructor(deps: WholeOffersDeps) {
    this.#deps = deps;
  }

  /** Those that are offered now. */
  *all(): Generator<SeededBlob, void> {
    for (const { blob } of this.#offers.values()) yield blob;
  }

  has(infoHash: InfoHash): boolean {
    return this.#offers.has(infoHash);
  }

  find(infoHash: InfoHash): SeededBlob | undefined {
    return this.#offers.get(infoHash)?.blob;
  }

  /** Offers a blob until the result is disposed of. */
  add(blob: SeededBlob): AsyncDisposable {
    const offer = this.#offers.get(blob.infoHash) ?? this.#start(blob);
    offer.ownerCount++;
    let isDisposed = false;
    return {
      [Symbol.asyncDispose]: async () => {
        if (isDisposed) return;
        isDisposed = true;
        offer.ownerCount--;
        if (offer.ownerCount === 0) await this.#stop(offer);
      },
    };
  }

  /** Tells an engine that knows nothing. */
  postAll(): void {
    for (const blob of this.all()) this.#post(blob);
  }

  #start(blob: SeededBlob): WholeOffer {
    const { joined, onStart } = this.#deps;
    const { infoHash } = blob;
    const participant: Participant = {
      left: () => 0,
      downloaded: () => 0,
      onPeers: () => undefined,
    };
    const offer = { blob, participant, ownerCount: 0 };
    this.#offers.set(infoHash, offer);
    onStart(infoHash);
    this.#post(blob);
    joined.join(infoHash, participant);
    return offer;
  }

  async #stop({ blob: { infoHash }, participant }: WholeOffer): Promise<void> {
    const { joined, post, onStop } = this.#deps;
    this.#offers.delete(infoHash);
    onStop(infoHash);
    post({ type: "withdraw", infoHash });
    await joined.leave(infoHash, participant);
  }

  #post({ infoHash, size, path }: SeededBlob): void {
    this.#deps.post({ type: "seed", infoHash, size, path });
  }
}
