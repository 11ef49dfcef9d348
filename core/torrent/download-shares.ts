import type { BufferPool } from "./buffer-pool.ts";

/** So many times what it leaves to others a download may hold: one that is alone has two thirds. */
const leavingsMax = 2;

/** Room for the pieces of one download that are on their way. */
export interface PieceBuffers {
  /** Whether {@link take} would give a buffer of `length` bytes. Whom it is denied is told of room. */
  hasRoom(length: number): boolean;
  take(length: number): Buffer | undefined;
  /** Takes a buffer back, and offers its room to all who were refused some. */
  giveBack(buffer: Buffer): void;
}

/** {@link PieceBuffers} as a download has them of others'. */
export interface SharedBuffers extends PieceBuffers {
  /** It holds no buffer, was refused one, and did not let room pass since it last had one. */
  readonly isStarved: boolean;
}

/** What one download holds of the pool. */
interface Share {
  held: number;
  /** Length of the buffer that it was refused since it was last told of room; else 0. */
  refused: number;
  /** Since it last took a buffer there was room for one, and perhaps no use for it. */
  hadRoom: boolean;
  readonly onRoom: () => void;
}

/**
 * Shares a pool of buffers among downloads, so that none is kept from its pieces by those that began
 * before it and take more than can be written: each may hold twice as much as it leaves to others. Room
 * is offered first to who holds none, and kept for it until it suffices for its piece: else those with
 * short ones would take all that comes free. Else it is offered first to who took some longest ago.
 */
export class DownloadShares {
  readonly #pool: BufferPool;
  /** Those that took a buffer longest ago first. */
  readonly #shares = new Set<Share>();

  constructor(pool: BufferPool) {
    this.#pool = pool;
  }

  /**
   * The pool as one more download may use it. After `close()` it takes no buffers, but gives them back.
   *
   * @param onRoom Is called when there may be room, after some was refused.
   */
  open(onRoom: () => void): SharedBuffers & { readonly close: () => void } {
    const share: Share = { held: 0, refused: 0, hadRoom: false, onRoom };
    this.#shares.add(share);
    return {
      get isStarved() {
        return isStarved(share) && !share.hadRoom;
      },
      hasRoom: (length) => this.#hasRoom(share, length),
      take: (length) => this.#take(share, length),
      giveBack: (buffer) => this.#giveBack(share, buffer),
      close: () => void this.#shares.delete(share),
    };
  }

  #hasRoom(share: Share, length: number): boolean {
    // The line is walked only where it matters: who is idle asks again and again while there is no room.
    const isIn = this.#fits(share, length, 0) && this.#fits(share, length, this.#keptFrom(share));
    // As with any pool a buffer may be had that is the only one.
    const hasRoom = isIn || this.#pool.bytesUsed === 0;
    if (hasRoom) share.hadRoom = true;
    else share.refused = Math.max(share.refused, length);
    return hasRoom;
  }

  /** Whether a buffer is its due, where so many bytes are kept for others. */
  #fits({ held }: Share, length: number, kept: number): boolean {
    const left = this.#pool.bytesLeft - kept - length;
    return left >= 0 && (held === 0 || held + length <= leavingsMax * left);
  }

  #take(share: Share, length: number): Buffer | undefined {
    if (!this.#shares.has(share) || !this.#hasRoom(share, length)) return undefined;
    const buffer = this.#pool.take(length);
    if (!buffer) return undefined;
    share.held += length;
    share.hadRoom = false;
    this.#shares.delete(share);
    this.#shares.add(share);
    return buffer;
  }

  #giveBack(share: Share, buffer: Buffer): void {
    share.held -= buffer.length;
    this.#pool.giveBack(buffer);
    const waiting = [...this.#shares].filter(({ refused }) => refused > 0);
    const starved = waiting.filter(isStarved);
    for (const other of new Set([...starved, ...waiting])) {
      // Nobody keeps room from others by what is refused to who holds some: it need not be asked anew.
      const isRefusedAnew = !isStarved(other) && !this.#fits(other, other.refused, 0);
      if (isRefusedAnew && this.#pool.bytesUsed > 0) continue;
      other.refused = 0;
      other.onRoom();
      // What is left is kept for it: those behind it would ask in vain.
      if (isStarved(other)) return;
    }
  }

  /** Bytes that are kept for others: who holds none itself is in line with them. */
  #keptFrom(share: Share): number {
    let kept = 0;
    for (const other of this.#shares) {
      if (other === share && share.held === 0) break;
      if (other !== share && isStarved(other)) kept = Math.max(kept, other.refused);
    }
    return kept;
  }
}

function isStarved({ held, refused }: Share): boolean {
  return held === 0 && refused > 0;
}
