import type { Digest } from "../digest.ts";
import { UnavailableError, codeOf } from "../errors.ts";
import type { InfoHash } from "../info-hash.ts";
import type { Announcer } from "../ports/announcer.ts";
import type { Cancellable } from "../ports/cancellable.ts";
import type { Logger } from "../ports/logger.ts";
import type {
  BytesReceived,
  Download,
  GrowingBlob,
  GrowingSeed,
  PlaceRefusals,
  SeededBlob,
  Swarm,
  SwarmStatus,
  WantedBlob,
} from "../ports/swarm.ts";
import { arrivingTorrentOf } from "./arriving-torrent.ts";
import { EngineThread } from "./engine-thread.ts";
import { GrowingOffers } from "./growing-offers.ts";
import { JoinedSwarms } from "./joined-swarms.ts";
import { RefusalAccount } from "./refusal-account.ts";
import { TorrentDownload } from "./torrent-download.ts";
import { TrafficAccount } from "./traffic-account.ts";
import { WholeOffers } from "./whole-offers.ts";
import {
  type EngineSettings,
  type SwarmCommand,
  type SwarmEvent,
  errorFrom,
} from "./worker-protocol.ts";

/** Defaults of {@link TorrentSwarmSettings}. */
const defaults: Omit<EngineSettings, "port"> = {
  host: "::",
  dedicatedSeeder: false,
  // Long enough for a peer to be dialled twice and a tracker to be asked again.
  stallBoundMs: 10_000,
  // Two for each node of a rack of racks; a connection at rest costs some 20 KiB.
  connectionsMax: 1000,
  // A node has one for each blob that it gets from us; half a dozen images have fewer layers.
  connectionsPerHostMax: 128,
  // A crowd mixes well long before each knows all.
  peersPerBlobMax: 16,
  limits: undefined,
  place: undefined,
};

/** The port to listen on, and what differs from the defaults. */
export type TorrentSwarmSettings = Pick<EngineSettings, "port"> & Partial<EngineSettings>;

export interface TorrentSwarmDeps {
  readonly settings: TorrentSwarmSettings;
  /** Stays its owner's. */
  readonly announcer: Announcer;
  readonly logger: Logger;
}

/**
 * The swarm over BitTorrent. This thread only keeps account; sockets, hashes and bytes
 * are in the engine's, for calls are answered here within milliseconds.
 */
export class TorrentSwarm implements Swarm {
  readonly #deps: TorrentSwarmDeps;
  readonly #engine: EngineThread;
  readonly #joined: JoinedSwarms;
  readonly #downloads = new Map<number, TorrentDownload>();
  readonly #traffic = new TrafficAccount();
  readonly #refusals = new RefusalAccount();
  readonly #whole: WholeOffers;
  readonly #growing: GrowingOffers;
  #lastId = 0;
  #disposal: Promise<void> | undefined;

  private constructor(deps: TorrentSwarmDeps, engine: EngineThread) {
    this.#deps = deps;
    this.#engine = engine;
    this.#joined = new JoinedSwarms({
      announcer: deps.announcer,
      port: engine.port,
      uploaded: (infoHash) => this.#traffic.of(infoHash).uploadedBytes,
    });
    const offering = {
      joined: this.#joined,
      post: (command: SwarmCommand) => this.#post(command),
      onStart: (infoHash: InfoHash) => this.#traffic.add(infoHash),
      onStop: (infoHash: InfoHash) => this.#forgetTraffic(infoHash),
    };
    this.#whole = new WholeOffers(offering);
    this.#growing = new GrowingOffers(offering);
  }

  /** Starts the engine. @throws {UnavailableError} when the port cannot be had. */
  static async open(deps: TorrentSwarmDeps, options: Cancellable): Promise<TorrentSwarm> {
    const { logger } = deps;
    const handler = {
      onEvent: (event: SwarmEvent) => swarm.#onEvent(event),
      onLost: (error: UnavailableError) => swarm.#onLost(error),
      onRestarted: () => swarm.#onRestarted(),
    };
    const settings: EngineSettings = { ...defaults, ...deps.settings };
    const engine = await EngineThread.open({ settings, handler, logger }, options);
    const swarm = new TorrentSwarm(deps, engine);
    return swarm;
  }

  get port(): number {
    return this.#engine.port;
  }

  get uploadedBytes(): number {
    return this.#traffic.uploadedBytes;
  }

  get refusals(): PlaceRefusals {
    return this.#refusals.total;
  }

  seed(blob: SeededBlob): AsyncDisposable {
    return this.#whole.add(blob);
  }

  seedGrowing(blob: GrowingBlob): GrowingSeed {
    return this.#growing.add(blob);
  }

  download(blob: WantedBlob): Download {
    const { path, peers, webSeeds, origin, isAhead = false } = blob;
    const torrent = arrivingTorrentOf(blob.torrent);
    const { infoHash } = torrent;
    const id = ++this.#lastId;
    const download = new TorrentDownload({
      ...{ id, torrent: blob.torrent, origin },
      post: (command) => this.#post(command),
      onDispose: async () => {
        this.#downloads.delete(id);
        this.#forgetTraffic(infoHash);
        await this.#joined.leave(infoHash, download);
      },
    });
    this.#downloads.set(id, download);
    this.#traffic.add(infoHash);
    if (!this.#engine.isRunning) download.onFailed(new UnavailableError(noEngine));
    const hasOrigin = origin !== undefined;
    this.#post({ type: "download", id, torrent, path, peers, webSeeds, hasOrigin, isAhead });
    this.#joined.join(infoHash, download);
    return download;
  }

  status(): readonly SwarmStatus[] {
    const statuses = new Map<InfoHash, SwarmStatus>();
    for (const { infoHash, digest, size } of this.#whole.all()) {
      statuses.set(infoHash, this.#statusOf(infoHash, digest, size, size, nothingReceived));
    }
    for (const { infoHash, blob, bytesDone } of this.#growing.all) {
      const { digest, size } = blob;
      statuses.set(infoHash, this.#statusOf(infoHash, digest, size, bytesDone, nothingReceived));
    }
    for (const { torrent, bytesDone, received } of this.#downloads.values()) {
      const { infoHash, digest, layout } = torrent;
      statuses.set(infoHash, this.#statusOf(infoHash, digest, layout.size, bytesDone, received));
    }
    return [...statuses.values()];
  }

  /** Stops downloads, says goodbye, ends the engine. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposal ??= this.#dispose();
    await this.#disposal;
  }

  async #dispose(): Promise<void> {
    const downloads = [...this.#downloads.values()];
    await Promise.all(downloads.map((download) => download[Symbol.asyncDispose]()));
    await this.#joined[Symbol.asyncDispose]();
    await this.#engine[Symbol.asyncDispose]();
  }

  #forgetTraffic(infoHash: InfoHash): void {
    if (this.#whole.has(infoHash) || this.#growing.has(infoHash)) return;
    if (!this.#downloadOf(infoHash)) this.#traffic.delete(infoHash);
  }

  #downloadOf(infoHash: InfoHash): TorrentDownload | undefined {
    for (const download of this.#downloads.values()) {
      if (download.torrent.infoHash === infoHash) return download;
    }
    return undefined;
  }

  #statusOf(
    infoHash: InfoHash,
    digest: Digest,
    size: number,
    bytesDone: number,
    received: BytesReceived,
  ): SwarmStatus {
    const { peers, uploadedBytes } = this.#traffic.of(infoHash);
    return { infoHash, digest, size, bytesDone, peers, uploadedBytes, received };
  }

  #post(command: SwarmCommand): void {
    if (this.#engine.isRunning) this.#engine.post(command);
    else if (command.type === "stop") this.#downloads.get(command.id)?.onStopped();
  }

  #onEvent(event: SwarmEvent): void {
    switch (event.type) {
      case "pieces":
        return this.#downloads.get(event.id)?.onPieces(event.indexes, event.received);
      case "bytes":
        return this.#downloads.get(event.id)?.onBytes(event.bytes);
      case "goodSources":
        return this.#downloads.get(event.id)?.onGoodSources(event.count);
      case "originWanted":
        return this.#downloads.get(event.id)?.onOriginWanted(event.request, event.range);
      case "hurry": {
        this.#withInfoHash(event.id, (infoHash) => this.#joined.hurry(infoHash));
        return;
      }
      case "done":
        this.#withInfoHash(event.id, (infoHash) => this.#joined.completed(infoHash));
        return this.#downloads.get(event.id)?.onDone();
      case "failed":
        return this.#downloads.get(event.id)?.onFailed(errorFrom(event.failure));
      case "stopped":
        return this.#downloads.get(event.id)?.onStopped();
      case "traffic":
        for (const torrent of event.torrents) this.#traffic.note(torrent);
        return;
      case "refusals": {
        this.#refusals.note(event.refusals);
        return;
      }
      case "log": {
        this.#deps.logger[event.level](event.message, event.fields);
        return;
      }
      case "metainfoWanted":
        void this.#sendMetainfo(event.infoHash);
        return;
      case "listening":
      case "broken":
        return;
    }
  }

  /** Metainfo stays on disk until the engine meets a peer that needs it. */
  async #sendMetainfo(infoHash: InfoHash): Promise<void> {
    let metainfo = this.#downloadOf(infoHash)?.metainfo;
    try {
      metainfo ??= await this.#whole.find(infoHash)?.metainfo();
    } catch (error) {
      this.#deps.logger.warn("cannot read metainfo", { infoHash, code: codeOf(error) });
    }
    this.#post({ type: "metainfo", infoHash, metainfo });
  }

  #withInfoHash(id: number, use: (infoHash: InfoHash) => void): void {
    const download = this.#downloads.get(id);
    if (download) use(download.torrent.infoHash);
  }

  /** A bug has ended the engine: downloads have failed, and their owners may try again. */
  #onLost(error: UnavailableError): void {
    this.#traffic.engineLost();
    this.#refusals.engineLost();
    for (const download of this.#downloads.values()) {
      download.onFailed(error);
      download.onStopped();
    }
  }

  #onRestarted(): void {
    this.#whole.postAll();
    this.#growing.postAll();
  }
}

const noEngine = "Cannot use the swarm: its engine is being started again";

const nothingReceived: BytesReceived = { peers: 0, seeders: 0, webSeeds: 0, origin: 0 };
