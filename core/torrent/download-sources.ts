import type { PieceSource } from "./assignment.ts";
import type { DownloadPeers } from "./download-peers.ts";
import { PieceClient } from "./piece-client.ts";
import { WebSeed, type WebSeedDeps, isWebSeedUrl } from "./web-seed.ts";

/** Web seeds that one download asks; a directory that names more is not believed. */
const webSeedsMax = 8;

export interface DownloadSourcesDeps extends Omit<WebSeedDeps, "url"> {
  readonly peers: DownloadPeers;
  readonly urls: readonly string[];
}

/** Everybody whom one download may ask for pieces: nodes and web seeds. */
export class DownloadSources {
  readonly #peers: DownloadPeers;
  readonly #webSeeds: readonly WebSeed[];

  constructor(deps: DownloadSourcesDeps) {
    const { peers, urls, layout, owner, agent, now } = deps;
    this.#peers = peers;
    this.#webSeeds = urls
      .filter(isWebSeedUrl)
      .slice(0, webSeedsMax)
      .map((url) => new WebSeed({ url, layout, owner, agent, now }));
  }

  /** How many that have the whole blob are connected. */
  get goodCount(): number {
    return this.#peers.wholeCount + this.#webSeeds.filter(({ isGood }) => isGood).length;
  }

  /** Asks web seeds whether they have the blob; `onAnswer` is called after each answer. */
  probe(onAnswer: () => void): void {
    for (const webSeed of this.#webSeeds) void webSeed.probe().then(onAnswer);
  }

  /** Looks for lapsed bounds. Gives whether any source is stalled. */
  tick(nowMs: number): boolean {
    for (const client of this.#peers.clients) client.tick(nowMs);
    for (const webSeed of this.#webSeeds) webSeed.tick(nowMs);
    return this.#all().some((source) => source.stalled);
  }

  fill(): void {
    for (const source of this.#all()) source.fill();
  }

  /** A source gave a wrong piece. Gives true when it is banned by that. */
  blame(source: PieceSource): boolean {
    if (source instanceof PieceClient) return this.#peers.blame(source);
    return source instanceof WebSeed && source.blame();
  }

  close(reason: string): void {
    for (const source of this.#all()) source.close(reason);
  }

  #all(): PieceSource[] {
    return [...this.#peers.clients, ...this.#webSeeds];
  }
}
