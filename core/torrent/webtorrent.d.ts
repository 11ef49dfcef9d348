/** The part of webtorrent that is used here; the package has no types of its own. */
declare module "webtorrent" {
  import type { EventEmitter } from "node:events";

  /** Where pieces are kept. @see https://github.com/mafintosh/abstract-chunk-store */
  export interface ChunkStore {
    readonly chunkLength: number;
    get(index: number, options: ChunkPart | undefined, done: Callback<Uint8Array>): void;
    put(index: number, bytes: Uint8Array, done: Callback<undefined>): void;
    close(done: Callback<undefined>): void;
    destroy(done: Callback<undefined>): void;
  }

  export interface ChunkPart {
    readonly offset?: number;
    readonly length?: number;
  }

  export type Callback<T> = (error: Error | null, result?: T) => void;

  /** The connection with one peer, as a torrent's `wire` event gives it. */
  export interface Wire extends EventEmitter {
    /** Bytes of blocks that were given. */
    readonly uploaded: number;
    write(bytes: Uint8Array): boolean;
    destroy(): void;
  }

  export interface Torrent extends EventEmitter {
    readonly ready: boolean;
    addPeer(address: string): boolean;
    destroy(options: object, done?: () => void): void;
  }

  class Client extends EventEmitter {
    constructor(options: object);
    readonly torrentPort: number;
    readonly listening: boolean;
    add(torrent: Uint8Array, options: object): Torrent;
    destroy(done?: () => void): void;
  }

  export default Client;
}
