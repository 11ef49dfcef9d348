import type { InfoHash } from "../info-hash.ts";
import { HostLimits } from "../limits/host-limits.ts";
import { createPeerId } from "../peer-id.ts";
import type { PlaceRefusals } from "../ports/swarm.ts";
import { pieceLayoutOf } from "../piece-layout.ts";
import { blockLengthFor } from "./block-length.ts";
import { BufferPool } from "./buffer-pool.ts";
import { EngineLog } from "./engine-log.ts";
import type { NodeInfo } from "./extended-handshake.ts";
import { GrowingSeeds } from "./growing-seeds.ts";
import { IncomingPeers } from "./incoming-peers.ts";
import { LingeringTorrents } from "./lingering-torrents.ts";
import { MetainfoRequests } from "./metainfo-requests.ts";
import { RunningDownloads } from "./running-downloads.ts";
import { ServedTorrent } from "./served-torrent.ts";
import { StockPeers } from "./stock-peers.ts";
import { TrafficReport } from "./traffic-report.ts";
import {
  type EngineSettings,
  type SwarmCommand,
  type SwarmEvent,
  type TorrentTraffic,
  failureFrom,
} from "./worker-protocol.ts";

/** Blocks in memory that are being sent, in bytes, over all connections. */
const sendBytesMax = 32 * 1024 * 1024;

/** How often counts of traffic are told, when they changed, and bounds of torrents are looked at. */
const lookIntervalMs = 1000;

export interface SwarmEngineDeps {
  readonly settings: EngineSettings;
  readonly post: (event: SwarmEvent) => void;
  readonly now: () => number;
  readonly random: () => number;
}

/** The swarm's side that touches bytes: listens, serves, downloads. Lives in its own thread. */
export class SwarmEngine implements AsyncDisposable {
  readonly #deps: SwarmEngineDeps;
  readonly #peerId = createPeerId();
  readonly #torrents = new Map<InfoHash, ServedTorrent>();
  readonly #sendBuffers = new BufferPool(sendBytesMax);
  readonly #metainfos = new MetainfoRequests((infoHash) =>
    this.#deps.post({ type: "metainfoWanted", infoHash }),
  );
  readonly #limits: HostLimits;
  readonly #stockPeers: StockPeers;
  readonly #report = new TrafficReport();
  readonly #log: EngineLog;
  readonly #downloads: RunningDownloads;
  readonly #lingering: LingeringTorrents;
  readonly #growing: GrowingSeeds;
  #incoming: IncomingPeers | undefined;
  #refusalsTold: PlaceRefusals = { given: 0, met: 0 };
  #look: NodeJS.Timeout | undefined;

  private constructor(deps: SwarmEngineDeps) {
    this.#deps = deps;
    this.#log = new EngineLog(deps);
    const { settings, post, now, random } = deps;
    const limits = new HostLimits({ memory: settings.limits });
    this.#limits = limits;
    this.#stockPeers = new StockPeers({
      ...{ now, limits, metainfoOf: (infoHash) => this.#metainfos.get(infoHash) },
    });
    const serve = (torrent: ServedTorrent) => this.#serve(torrent);
    const forget = (torrent: ServedTorrent) => this.#forget(torrent);
    this.#lingering = new LingeringTorrents({ now, forget });
    this.#growing = new GrowingSeeds({
      ...{ now, serve, forget, lingering: this.#lingering },
      onWarning: (message, fields) => this.#log.warn(message, fields),
    });
    const { stallBoundMs, peersPerBlobMax } = settings;
    this.#downloads = new RunningDownloads({
      ...{ post, now, random, limits, log: this.#log, stallBoundMs, peersPerBlobMax },
      connections: settings,
      ...{ peerId: this.#peerId, self: () => this.#self, stockPeers: this.#stockPeers },
      ...{ serve, forget, linger: (torrent) => this.#lingering.add(torrent, { graceMs: 0 }) },
    });
  }

  /** @throws {UnavailableError} when the port cannot be had. */
  static async open(deps: SwarmEngineDeps): Promise<SwarmEngine> {
    const engine = new SwarmEngine(deps);
    const { host, port, connectionsMax, connectionsPerHostMax } = deps.settings;
    try {
      engine.#incoming = await IncomingPeers.open({
        ...{ host, port, connectionsMax, connectionsPerHostMax, now: deps.now },
        peerId: engine.#peerId,
        self: () => engine.#self,
        torrents: engine.#torrents,
        buffers: engine.#sendBuffers,
        stockPeers: engine.#stockPeers,
        limits: engine.#limits,
        onWarning: (message, fields) => engine.#log.warn(message, fields),
        onFault: (error) => engine.#log.fault(error),
      });
    } catch (error) {
      await engine[Symbol.asyncDispose]();
      throw error;
    }
    engine.#look = setInterval(() => engine.#lookAround(), lookIntervalMs);
    deps.post({ type: "listening", port: engine.#incoming.port });
    return engine;
  }

  /** Does what the other thread says; what comes of it is told by events. */
  handle(command: Exclude<SwarmCommand, { type: "close" }>): void {
    try {
      this.#handle(command);
    } catch (error) {
      this.#log.fault(error);
      if (command.type !== "download") return;
      this.#deps.post({ type: "failed", id: command.id, failure: failureFrom(error) });
    }
  }

  #handle(command: Exclude<SwarmCommand, { type: "close" }>): void {
    switch (command.type) {
      case "seed": {
        this.#seed(command);
        return;
      }
      case "withdraw": {
        this.#withdraw(command.infoHash);
        return;
      }
      case "seedGrowing": {
        this.#growing.start(command);
        return;
      }
      case "grow": {
        this.#growing.grow(command.id, command.pieces);
        return;
      }
      case "withdrawGrowing": {
        this.#growing.stop(command.id);
        return;
      }
      case "download": {
        this.#downloads.start(command);
        return;
      }
      case "hashes": {
        const adding = this.#downloads.find(command.id)?.addHashes(command.hashes);
        adding?.catch((error: unknown) => this.#log.fault(error));
        return;
      }
      case "peers":
        return this.#downloads.find(command.id)?.addPeers(command.peers);
      case "originAnswer":
        return this.#downloads.find(command.id)?.onOriginAnswer(command.request, command.answer);
      case "hasten":
        return this.#downloads.find(command.id)?.hasten();
      case "want":
        return this.#downloads.find(command.id)?.want(command.reader, command.range);
      case "unwant":
        return this.#downloads.find(command.id)?.unwant(command.reader);
      case "stop": {
        this.#downloads.stop(command.id);
        return;
      }
      case "metainfo":
        this.#metainfos.answer(command.infoHash, command.metainfo);
        return;
    }
  }

  /** Stops downloads, hangs up on everybody, frees the port. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#look);
    await this.#downloads[Symbol.asyncDispose]();
    this.#metainfos.giveUp();
    await this.#stockPeers[Symbol.asyncDispose]();
    this.#growing[Symbol.dispose]();
    this.#lingering[Symbol.dispose]();
    await this.#incoming?.[Symbol.asyncDispose]();
  }

  #seed({ infoHash, size, path }: Extract<SwarmCommand, { type: "seed" }>): void {
    const layout = pieceLayoutOf(size);
    const torrent = this.#torrents.get(infoHash) ?? new ServedTorrent({ infoHash, layout, path });
    torrent.seed(path);
    this.#torrents.set(infoHash, torrent);
  }

  #withdraw(infoHash: InfoHash): void {
    this.#torrents.get(infoHash)?.close("withdrawn");
    this.#torrents.delete(infoHash);
    this.#report.forget(infoHash);
  }

  #serve(torrent: ServedTorrent): void {
    this.#torrents.get(torrent.infoHash)?.close("it is fetched again");
    this.#torrents.set(torrent.infoHash, torrent);
  }

  #forget(torrent: ServedTorrent): void {
    torrent.close("not here any more");
    if (this.#torrents.get(torrent.infoHash) !== torrent) return;
    this.#torrents.delete(torrent.infoHash);
    this.#report.forget(torrent.infoHash);
  }

  get #self(): Omit<NodeInfo, "whole"> {
    return {
      blockLengthMax: blockLengthFor(this.#limits.state.upload.rate),
      dedicatedSeeder: this.#deps.settings.dedicatedSeeder,
      listenPort: this.#incoming?.port ?? 0,
      place: this.#deps.settings.place,
    };
  }

  #lookAround(): void {
    this.#incoming?.tick();
    this.#stockPeers.tick();
    this.#growing.tick();
    this.#lingering.tick();
    this.#tellTraffic();
    this.#tellRefusals();
  }

  #tellTraffic(): void {
    const torrents = this.#report.changes(this.#countTraffic());
    if (this.#incoming?.count === 0) this.#sendBuffers.trim();
    if (torrents.length > 0) this.#deps.post({ type: "traffic", torrents });
  }

  #tellRefusals(): void {
    const refusals = { given: this.#incoming?.refusals ?? 0, met: this.#downloads.refusals };
    const { given, met } = this.#refusalsTold;
    if (refusals.given === given && refusals.met === met) return;
    this.#refusalsTold = refusals;
    this.#deps.post({ type: "refusals", refusals });
  }

  *#countTraffic(): Generator<TorrentTraffic, void> {
    const dialled = this.#downloads.peerCounts();
    for (const [infoHash, torrent] of this.#torrents) {
      const peers = torrent.listeners.size + (dialled.get(torrent) ?? 0);
      yield { infoHash, peers, uploadedBytes: torrent.uploadedBytes };
    }
  }
}
