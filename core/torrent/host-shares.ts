import { normalizePeerAddress } from "../peer-address.ts";
import type { BufferPool } from "./buffer-pool.ts";

/** Buffers for what is given to one host. */
export type Buffers = Pick<BufferPool, "take" | "giveBack">;

/**
 * Shares a pool of buffers among hosts: each may hold as much as it leaves to others. So one that
 * asks on many connections and takes nothing has half of it at most, and there is always some left
 * for who comes next.
 */
export class HostShares {
  readonly #pool: BufferPool;
  /** Bytes that hosts hold. */
  readonly #held = new Map<string, number>();

  constructor(pool: BufferPool) {
    this.#pool = pool;
  }

  /** The pool as a connection from that host may use it. */
  of(address: string): Buffers {
    const { host } = normalizePeerAddress({ host: address, port: 0 });
    return {
      take: (length) => this.#take(host, length),
      giveBack: (buffer) => this.#giveBack(host, buffer),
    };
  }

  #take(host: string, length: number): Buffer | undefined {
    const held = this.#held.get(host) ?? 0;
    // A buffer that would be the host's only one is its right, if there is room at all.
    if (held > 0 && held + length > this.#pool.bytesLeft - length) return undefined;
    const buffer = this.#pool.take(length);
    if (buffer) this.#held.set(host, held + length);
    return buffer;
  }

  #giveBack(host: string, buffer: Buffer): void {
    const held = (this.#held.get(host) ?? 0) - buffer.length;
    if (held > 0) this.#held.set(host, held);
    else this.#held.delete(host);
    this.#pool.giveBack(buffer);
  }
}
