import type { Credential } from "../core/credential.ts";
import type { Digest } from "../core/digest.ts";
import { BlobNotFoundError, codeOf } from "../core/errors.ts";
import { type GrowingTorrent, isGrowing } from "../core/growing-torrent.ts";
import type { Metainfo } from "../core/metainfo.ts";
import type { BlobArrivals, BlobReader } from "../core/ports/blob-store.ts";
import type { Cancellable } from "../core/ports/cancellable.ts";
import type { ColdAnswer } from "../core/ports/cold-source.ts";
import type { DirectoryEntry } from "../core/ports/directory.ts";
import type { WantedBlob } from "../core/ports/swarm.ts";
import type { BlobLookup } from "./blob-lookup.ts";
import type { ColdFetch } from "./cold-fetch.ts";
import type { LastResort } from "./last-resort.ts";

/** How often a blob is read from its origin as a whole, only to describe it. */
const describeIntervalMs = 300_000;

/** How long directory and seeders may take together: containerd waits, and can go to the registry. */
const decisionTimeoutMs = 2000;

/**
 * The same where a seeder has answered a moment ago: it lives, and gives to a crowd on a link that
 * is full. Whoever leaves it for the registry then slows down all the others, who follow.
 */
const busyTimeoutMs = 6000;

/** What seeders have of that when the directory was slow. */
const coldTimeoutMinMs = 500;

/** How long seeders are waited for when containerd does not: the blob was promised. */
const promisedTimeoutMs = 10_000;

/**
 * Times that a promised blob is had from seeders that do not get to its end, before its origin
 * is asked from here: their registry may be down for them, or have another blob.
 */
const growingTriesMax = 2;

/** How long seeders are let alone then: each of their tries may cost the registry all of the blob. */
const growingPauseMs = 20_000;

/** What a {@link TorrentChoice} works with. */
export interface TorrentChoiceDeps {
  readonly store: Pick<BlobReader, "metainfo"> & Pick<BlobArrivals, "arrive">;
  readonly lookup: BlobLookup;
  /** Gets what nobody has; `undefined` where there are no seeders. */
  readonly coldFetch?: Pick<ColdFetch, "ask" | "refuse" | "isResponsive"> | undefined;
  readonly lastResort?: Pick<LastResort, "describe"> | undefined;
  /** Base URLs of the seeders of this cluster, for blobs that only a tracker named. */
  readonly webSeedsOf: (digest: Digest) => readonly string[];
}

/** A blob for which a torrent is chosen. */
export interface ChosenFor {
  readonly digest: Digest;
  readonly size: number;
  /** For the registry, of the client that asks; without it seeders use their own. */
  readonly authorization?: Credential | undefined;
}

/** By which torrent a blob is fetched, and from whom. */
export interface ChosenTorrent extends Pick<WantedBlob, "torrent" | "peers" | "webSeeds"> {
  /** A seeder of this cluster, which has checked the blob or receives it, named it. */
  readonly isVouchedFor: boolean;
}

/** A small blob that came with a seeder's answer: no torrent is needed. */
export interface GivenContent {
  /** Checked against the digest. */
  readonly content: Uint8Array;
}

/**
 * Chooses the torrent by which one blob is fetched. What nobody has, seeders are asked to get. A
 * promised blob has more ways: what was known when it was promised, and what its origin makes
 * of it.
 */
export class TorrentChoice {
  readonly #deps: TorrentChoiceDeps;
  readonly #blob: ChosenFor;
  /** Made of the blob itself. */
  #described: Metainfo | undefined;
  #describeAtMs = -Infinity;
  #growingTries = 0;
  #growingAtMs = -Infinity;

  constructor(deps: TorrentChoiceDeps, blob: ChosenFor) {
    this.#deps = deps;
    this.#blob = blob;
  }

  /** @throws {BlobNotFoundError} when there is none, and what the origin says of a promised blob. */
  async choose({
    promised,
    signal,
  }: Cancellable & { readonly promised: boolean }): Promise<ChosenTorrent | GivenContent> {
    const startedMs = performance.now();
    const known = await this.#inDirectory({ signal });
    if (known) return this.#knownTorrent(known);
    const withinMs = promised
      ? promisedTimeoutMs
      : Math.max(coldTimeoutMinMs, this.#decisionMs - (performance.now() - startedMs));
    const kept = promised ? await this.#kept() : undefined;
    const cold = await this.#askSeeders({ promised, withinMs, signal });
    if (cold?.state === "whole") {
      if (cold.content) return { content: cold.content };
      const found = await this.#inDirectory({ signal, isNew: true });
      if (found) return this.#knownTorrent(found);
    }
    if (cold?.state === "arriving" && !kept) {
      this.#growingTries++;
      this.#growingAtMs = performance.now();
      return growingTorrent(cold);
    }
    const metainfo = kept ?? (promised ? await this.#describe({ signal }) : undefined);
    if (!metainfo) throw new BlobNotFoundError(this.#blob.digest);
    return this.#knownTorrent({ metainfo, peers: [], webSeeds: [] });
  }

  /** The torrent turned out not to be the blob. */
  refuse(torrent: Metainfo | GrowingTorrent): void {
    const { digest } = this.#blob;
    if (isGrowing(torrent)) {
      this.#deps.coldFetch?.refuse(digest);
      return;
    }
    this.#deps.lookup.refuse(digest, torrent.infoHash);
    if (this.#described?.infoHash === torrent.infoHash) this.#described = undefined;
  }

  #knownTorrent({ metainfo, peers, webSeeds }: DirectoryEntry): ChosenTorrent {
    return {
      torrent: metainfo,
      peers,
      webSeeds: [...new Set([...webSeeds, ...this.#deps.webSeedsOf(this.#blob.digest)])],
      // Only configured seeders name web seeds.
      isVouchedFor: webSeeds.length > 0,
    };
  }

  get #decisionMs(): number {
    return this.#deps.coldFetch?.isResponsive === true ? busyTimeoutMs : decisionTimeoutMs;
  }

  /** What seeders make of it, unless they were tried enough: then its origin has its turn. */
  async #askSeeders({
    promised,
    ...options
  }: Cancellable & { readonly promised: boolean; readonly withinMs: number }): Promise<
    ColdAnswer | undefined
  > {
    if (this.#growingTries >= growingTriesMax) {
      if (performance.now() < this.#growingAtMs + growingPauseMs) return undefined;
      this.#growingTries = 0;
    }
    return this.#deps.coldFetch?.ask({ ...this.#blob, promised }, options);
  }

  async #inDirectory({
    signal,
    isNew = false,
  }: Cancellable & { readonly isNew?: boolean }): Promise<DirectoryEntry | undefined> {
    const { digest, size } = this.#blob;
    const entry = await this.#deps.lookup.find(digest, { size, isNew, signal });
    if (!this.#described || entry?.metainfo.infoHash === this.#described.infoHash) return entry;
    return { metainfo: this.#described, peers: [], webSeeds: [] };
  }

  async #kept(): Promise<Metainfo | undefined> {
    const { digest, size } = this.#blob;
    const metainfo = await this.#deps.store.metainfo(digest).catch(() => undefined);
    if (metainfo?.layout.size !== size) return undefined;
    return this.#deps.lookup.isRefused(digest, metainfo.infoHash) ? undefined : metainfo;
  }

  async #describe({ signal }: Cancellable): Promise<Metainfo | undefined> {
    const nowMs = performance.now();
    if (nowMs < this.#describeAtMs) return undefined;
    this.#describeAtMs = nowMs + describeIntervalMs;
    const { digest, size } = this.#blob;
    if (!this.#deps.lastResort) return undefined;
    const { path } = await this.#deps.store.arrive({ digest, size });
    try {
      this.#described = await this.#deps.lastResort.describe({ digest, size, path }, { signal });
    } catch (error) {
      // What was not reached, as containerd at a start, may be there in a moment.
      if (codeOf(error) === "unavailable") this.#describeAtMs = nowMs;
      throw error;
    }
    return this.#described;
  }
}

function growingTorrent({
  torrent,
  peers,
  webSeeds,
}: Extract<ColdAnswer, { readonly state: "arriving" }>): ChosenTorrent {
  return { torrent, peers, webSeeds, isVouchedFor: true };
}
