import { type PeerAddress, formatPeerAddress } from "../peer-address.ts";

/**
 * Part of what a peer takes of one host that we use of it: it learns a moment later than we do
 * that a connection is gone, and refuses meanwhile.
 */
const perPeerPart = 15 / 16;

/** Part of that for downloads that nobody waits for: the others find a place at once. */
const aheadPart = 1 / 2;

/**
 * Part of what we take of others that we open ourselves, for in a crowd each has as many of one
 * kind as of the other: so peers need not refuse.
 */
const totalPart = 3 / 4;

/** Connections that each download may have, whatever others have: it may be the first of many peers. */
const heldMin = 4;

/** A download that would dial. */
export interface Dialler {
  /** Connections that it has. */
  readonly held: number;
  /** Nobody waits for it. */
  readonly isAhead: boolean;
}

export interface DialSlotsDeps {
  /** What we take of others, of all and of one host: peers are taken to do the same. */
  readonly connectionsMax: number;
  readonly connectionsPerHostMax: number;
  /** Somebody was refused, and there is a place again. Not called before others have had their turn. */
  readonly onFree: () => void;
}

/**
 * Bounds the connections that all downloads together open, over all and to one peer. A peer that
 * has too many of us refuses, and who is refused comes back seconds later; who waits for a place
 * here has it at once. Knows no sockets.
 */
export class DialSlots {
  readonly #onFree: () => void;
  readonly #totalMax: number;
  readonly #perPeerMax: number;
  readonly #perPeer = new Map<string, number>();
  #total = 0;
  #isWanted = false;

  constructor({ connectionsMax, connectionsPerHostMax, onFree }: DialSlotsDeps) {
    this.#onFree = onFree;
    this.#totalMax = connectionsMax * totalPart;
    this.#perPeerMax = connectionsPerHostMax * perPeerPart;
  }

  /** Whether a download may dial a peer now; then the place is its until {@link giveBack}. */
  take(address: PeerAddress, { held, isAhead }: Dialler): boolean {
    const key = formatPeerAddress(address);
    const ofPeer = (this.#perPeer.get(key) ?? 0) + 1;
    // However little is taken, one connection to each peer is not too much.
    const isTooManyOfPeer = ofPeer > Math.max(1, this.#perPeerMax * (isAhead ? aheadPart : 1));
    if (isTooManyOfPeer || (held >= heldMin && this.#total + 1 > this.#totalMax)) {
      this.#isWanted = true;
      return false;
    }
    this.#perPeer.set(key, ofPeer);
    this.#total++;
    return true;
  }

  /** The connection has ended, or never came up. */
  giveBack(address: PeerAddress): void {
    const key = formatPeerAddress(address);
    const ofPeer = (this.#perPeer.get(key) ?? 0) - 1;
    if (ofPeer > 0) this.#perPeer.set(key, ofPeer);
    else this.#perPeer.delete(key);
    this.#total--;
    if (!this.#isWanted) return;
    this.#isWanted = false;
    // Who gives it back is in the midst of an end.
    setImmediate(this.#onFree);
  }
}
