import type { ByteRange } from "../byte-range.ts";
import type { PieceSource } from "./assignment.ts";
import type { DownloadPeers } from "./download-peers.ts";
import { type OriginAnswer, OriginSource } from "./origin-source.ts";
import { PieceClient } from "./piece-client.ts";
import { WebSeed, type WebSeedDeps, isWebSeedUrl } from "./web-seed.ts";

/** Web seeds that one download asks; a directory that names more is not believed. */
const webSeedsMax = 8;

export interface DownloadSourcesDeps extends Omit<WebSeedDeps, "url"> {
  readonly peers: DownloadPeers;
  readonly urls: readonly string[];
  /** Asks the origin, if there is one, for bytes; see {@link OriginSource}. */
  readonly askOrigin: ((request: number, range: ByteRange) => void) | undefined;
}

/** Everybody whom one download may ask for pieces: nodes, web seeds, the origin. */
export class DownloadSources {
  readonly #peers: DownloadPeers;
  readonly #webSeeds: readonly WebSeed[];
  readonly #origin: OriginSource | undefined;
  #swarmGaveAtMs = -Infinity;
  #bytesGiven = 0;
  /** What of {@link bytesGiven} each has given. */
  readonly #bytesOf = new WeakMap<PieceSource, number>();

  constructor(deps: DownloadSourcesDeps) {
    const { peers, urls, layout, owner, agent, now, openPassage, askOrigin: ask } = deps;
    this.#peers = peers;
    this.#webSeeds = urls
      .filter(isWebSeedUrl)
      .slice(0, webSeedsMax)
      .map((url) => new WebSeed({ url, layout, owner, agent, now, openPassage }));
    this.#origin = ask && new OriginSource({ layout, owner, ask, now });
  }

  /** How many that have the whole blob are connected. */
  get goodCount(): number {
    return this.#peers.wholeCount + this.#webSeeds.filter(({ isGood }) => isGood).length;
  }

  get hasOrigin(): boolean {
    return this.#origin !== undefined;
  }

  /** Somebody gives faster than our limits let it. */
  get isHeldBack(): boolean {
    return this.#webSeeds.some(isHeldBack) || [...this.#peers.clients].some(isHeldBack);
  }

  /** When anybody but the origin last gave a byte, as of the last {@link tick}. */
  get swarmGaveAtMs(): number {
    return this.#swarmGaveAtMs;
  }

  /** Bytes that anybody but the origin gave, of whole pieces or not, as of the last {@link tick}. */
  get bytesGiven(): number {
    return this.#bytesGiven;
  }

  /** Passes on what came of a request to the origin. */
  answerOfOrigin(request: number, answer: OriginAnswer): void {
    this.#origin?.answer(request, answer);
  }

  /** Asks web seeds whether they have the blob; `onAnswer` is called after each answer. */
  probe(onAnswer: () => void): void {
    for (const webSeed of this.#webSeeds) void webSeed.probe().then(onAnswer);
  }

  /** Looks for lapsed bounds. Gives whether any source is stalled. */
  tick(nowMs: number): boolean {
    for (const client of this.#peers.clients) client.tick(nowMs);
    for (const webSeed of this.#webSeeds) webSeed.tick(nowMs);
    const swarm = this.#swarm();
    for (const source of swarm) this.#count(source);
    this.#swarmGaveAtMs = Math.max(this.#swarmGaveAtMs, ...swarm.map(({ gaveAtMs }) => gaveAtMs));
    return swarm.some((source) => source.stalled);
  }

  /** Has all ask for pieces: first those that ever gave some, who are not to be left with the rest. */
  fill(): void {
    const all = this.#all();
    for (const source of all) if (hasGiven(source)) source.fill();
    for (const source of all) if (!hasGiven(source)) source.fill();
  }

  /** A source gave a wrong piece. Gives true when it is banned by that. */
  blame(source: PieceSource): boolean {
    if (source instanceof PieceClient) return this.#peers.blame(source);
    return source instanceof WebSeed && source.blame();
  }

  close(reason: string): void {
    for (const source of this.#all()) source.close(reason);
  }

  #count(source: PieceClient | WebSeed): void {
    const { bytesGiven } = source;
    this.#bytesGiven += bytesGiven - (this.#bytesOf.get(source) ?? 0);
    this.#bytesOf.set(source, bytesGiven);
  }

  #all(): PieceSource[] {
    return [...this.#swarm(), ...(this.#origin ? [this.#origin] : [])];
  }

  #swarm(): (PieceClient | WebSeed)[] {
    return [...this.#peers.clients, ...this.#webSeeds];
  }
}

function isHeldBack(source: PieceClient | WebSeed): boolean {
  return source.isHeldBack;
}

function hasGiven(source: PieceSource): boolean {
  return source.gaveAtMs > -Infinity;
}
