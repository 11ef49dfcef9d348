import type { Metainfo } from "../metainfo.ts";
import type { PeerAddress } from "../peer-address.ts";
import type { StockPeers } from "./stock-peers.ts";

/** Stock clients that one download asks. More are not met outside of tests. */
const peersMax = 50;

export interface StockFetchDeps {
  /** `undefined` for a growing torrent, of which stock clients know nothing. */
  readonly metainfo: Metainfo | undefined;
  readonly stockPeers: Pick<StockPeers, "fetch">;
  /** Fills a buffer from a position of the blob, whatever is there. */
  readonly read: (buffer: Uint8Array, position: number) => Promise<void>;
  /** Checks a piece that came, and keeps it. */
  readonly take: (index: number, bytes: Uint8Array) => Promise<void>;
  readonly onWarning: (message: string, fields: Readonly<Record<string, unknown>>) => void;
}

/** The stock clients that one download has met, and webtorrent's work on them for it. */
export class StockFetch implements AsyncDisposable {
  readonly #deps: StockFetchDeps;
  readonly #peers: PeerAddress[] = [];
  readonly #over = new AbortController();
  #running: Promise<void> | undefined;
  /** Has one more of them asked, while webtorrent is at work. */
  #ask: ((peer: PeerAddress) => void) | undefined;

  constructor(deps: StockFetchDeps) {
    this.#deps = deps;
  }

  /** Notes a peer that is no node. */
  add(address: PeerAddress): void {
    if (this.#peers.length >= peersMax) return;
    this.#peers.push(address);
    this.#ask?.(address);
  }

  /** Asks those that are known, if any, and those that are met later, until this is disposed of. */
  start(): void {
    const { metainfo, stockPeers, read, take, onWarning } = this.#deps;
    if (this.#running || this.#peers.length === 0 || !metainfo) return;
    const onReady = (ask: (peer: PeerAddress) => void) => {
      this.#ask = ask;
      this.#peers.forEach(ask);
    };
    this.#running = stockPeers.fetch({ metainfo, onReady, read, take }, this.#over).then(
      () => {
        // Others had the blob there: it may be had later. What fails is not tried again.
        this.#running = undefined;
        this.#ask = undefined;
      },
      (error: unknown) => {
        this.#ask = undefined;
        onWarning("cannot fetch from stock peers", { error: String(error) });
      },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    await this.#running;
  }
}
