import { Agent } from "node:http";

import type { InfoHash } from "../info-hash.ts";
import { createPeerId } from "../peer-id.ts";
import { pieceLayoutOf } from "../piece-layout.ts";
import { BufferPool } from "./buffer-pool.ts";
import { DigestThread } from "./digest-thread.ts";
import { DownloadTask } from "./download-task.ts";
import { EngineLog } from "./engine-log.ts";
import { IncomingPeers } from "./incoming-peers.ts";
import { blockLengthBulk, tickMs } from "./limits.ts";
import { MetainfoRequests } from "./metainfo-requests.ts";
import { PieceNews } from "./piece-news.ts";
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

/** Pieces in memory that are on their way, in bytes, over all downloads. */
const pieceBytesMax = 64 * 1024 * 1024;

/** Blocks in memory that are being sent, in bytes, over all connections. */
const sendBytesMax = 32 * 1024 * 1024;

/** Read from a socket at once, in bytes; one buffer for all, copied from before the next read. */
const receiveLength = 256 * 1024;

/** Connections to one web seed, over all downloads. */
const webConnectionsMax = 8;

/** How often counts of traffic are told, when they changed. */
const trafficIntervalMs = 1000;

export interface SwarmEngineDeps {
  readonly settings: EngineSettings;
  readonly post: (event: SwarmEvent) => void;
  readonly now: () => number;
  readonly random: () => number;
}

interface RunningDownload {
  readonly task: DownloadTask;
  readonly torrent: ServedTorrent;
  readonly ended: Promise<void>;
}

/** The swarm's side that touches bytes: listens, serves, downloads. Lives in its own thread. */
export class SwarmEngine implements AsyncDisposable {
  readonly #deps: SwarmEngineDeps;
  readonly #peerId = createPeerId();
  readonly #torrents = new Map<InfoHash, ServedTorrent>();
  readonly #downloads = new Map<number, RunningDownload>();
  readonly #pieceBuffers = new BufferPool(pieceBytesMax);
  readonly #sendBuffers = new BufferPool(sendBytesMax);
  readonly #receiveBuffer = Buffer.allocUnsafeSlow(receiveLength);
  readonly #webAgent = new Agent({ keepAlive: true, maxSockets: webConnectionsMax });
  readonly #digests = new DigestThread();
  readonly #metainfos = new MetainfoRequests((infoHash) =>
    this.#deps.post({ type: "metainfoWanted", infoHash }),
  );
  readonly #stockPeers = new StockPeers({
    metainfoOf: (infoHash) => this.#metainfos.get(infoHash),
  });
  readonly #report = new TrafficReport();
  readonly #log: EngineLog;
  #incoming: IncomingPeers | undefined;
  #tick: NodeJS.Timeout | undefined;
  #traffic: NodeJS.Timeout | undefined;

  private constructor(deps: SwarmEngineDeps) {
    this.#deps = deps;
    this.#log = new EngineLog(deps);
  }

  /** @throws {UnavailableError} when the port cannot be had. */
  static async open(deps: SwarmEngineDeps): Promise<SwarmEngine> {
    const engine = new SwarmEngine(deps);
    const { host, port, connectionsMax } = deps.settings;
    try {
      engine.#incoming = await IncomingPeers.open({
        ...{ host, port, connectionsMax },
        peerId: engine.#peerId,
        self: () => engine.#self,
        torrents: engine.#torrents,
        buffers: engine.#sendBuffers,
        stockPeers: engine.#stockPeers,
        onWarning: (message, fields) => engine.#log.warn(message, fields),
        onFault: (error) => engine.#log.fault(error),
      });
    } catch (error) {
      await engine[Symbol.asyncDispose]();
      throw error;
    }
    engine.#traffic = setInterval(() => engine.#tellTraffic(), trafficIntervalMs);
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
      case "download": {
        this.#download(command);
        return;
      }
      case "peers":
        return this.#downloads.get(command.id)?.task.addPeers(command.peers);
      case "want":
        return this.#downloads.get(command.id)?.task.want(command.reader, command.range);
      case "unwant":
        return this.#downloads.get(command.id)?.task.unwant(command.reader);
      case "stop": {
        this.#stop(command.id);
        return;
      }
      case "metainfo":
        this.#metainfos.answer(command.infoHash, command.metainfo);
        return;
    }
  }

  /** Stops downloads, hangs up on everybody, frees the port. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#tick);
    clearInterval(this.#traffic);
    const downloads = [...this.#downloads.values()];
    for (const id of this.#downloads.keys()) this.#stop(id);
    await Promise.all(downloads.map(({ ended }) => ended));
    this.#metainfos.giveUp();
    await this.#stockPeers[Symbol.asyncDispose]();
    await this.#incoming?.[Symbol.asyncDispose]();
    this.#webAgent.destroy();
    await this.#digests[Symbol.asyncDispose]();
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

  #download(command: Extract<SwarmCommand, { type: "download" }>): void {
    const { id, metainfo, path } = command;
    const { settings, now, random, post } = this.#deps;
    const news = new PieceNews((indexes, received) =>
      post({ type: "pieces", id, indexes, received }),
    );
    const task = new DownloadTask({
      ...{ metainfo, path, peers: command.peers, webSeeds: command.webSeeds },
      peerId: this.#peerId,
      self: { ...this.#self, whole: false },
      stallBoundMs: settings.stallBoundMs,
      buffers: this.#pieceBuffers,
      receiveBuffer: this.#receiveBuffer,
      digests: this.#digests,
      webAgent: this.#webAgent,
      stockPeers: this.#stockPeers,
      ...{ now, random },
      events: {
        onPiece: (index, received) => {
          torrent.gained(index);
          news.add(index, received);
        },
        onIntent: (index, isComing) => torrent.intends(index, isComing),
        onGoodSources: (count) => post({ type: "goodSources", id, count }),
        onHurry: () => post({ type: "hurry", id }),
        onBufferFree: () => this.#onBufferFree(),
        onWarning: (message, fields) => this.#log.warn(message, fields),
        onFault: (error) => this.#log.fault(error),
      },
    });
    const { infoHash, layout } = metainfo;
    const torrent = new ServedTorrent({
      infoHash,
      layout,
      path,
      partial: task.have,
      intents: task.intents,
    });
    torrent.onPeer = (address) => task.addPeers([address]);
    this.#torrents.get(infoHash)?.close("it is fetched again");
    this.#torrents.set(infoHash, torrent);
    this.#downloads.set(id, { task, torrent, ended: this.#run(id, { task, torrent, news }) });
    this.#tick ??= setInterval(() => this.#onTick(), tickMs);
  }

  async #run(
    id: number,
    {
      task,
      torrent,
      news,
    }: {
      readonly task: DownloadTask;
      readonly torrent: ServedTorrent;
      readonly news: PieceNews;
    },
  ): Promise<void> {
    try {
      await task.run();
      torrent.complete();
      news.flush();
      this.#deps.post({ type: "done", id });
    } catch (error) {
      this.#forget(torrent);
      news.flush();
      this.#deps.post({ type: "failed", id, failure: failureFrom(error) });
    }
  }

  /** The download's owner has let go of it. What it has is not served any more, unless seeded. */
  #stop(id: number): void {
    const download = this.#downloads.get(id);
    if (!download) {
      this.#deps.post({ type: "stopped", id });
      return;
    }
    this.#downloads.delete(id);
    download.task.stop(new DOMException("The download was stopped", "AbortError"));
    if (!download.torrent.isSeeded) this.#forget(download.torrent);
    if (this.#downloads.size === 0) {
      clearInterval(this.#tick);
      this.#tick = undefined;
      this.#pieceBuffers.trim();
    }
    void download.ended.then(() => this.#deps.post({ type: "stopped", id }));
  }

  #forget(torrent: ServedTorrent): void {
    torrent.close("not here any more");
    if (this.#torrents.get(torrent.infoHash) !== torrent) return;
    this.#torrents.delete(torrent.infoHash);
    this.#report.forget(torrent.infoHash);
  }

  get #self(): { blockLengthMax: number; dedicatedSeeder: boolean; listenPort: number } {
    return {
      blockLengthMax: blockLengthBulk,
      dedicatedSeeder: this.#deps.settings.dedicatedSeeder,
      listenPort: this.#incoming?.port ?? 0,
    };
  }

  /** A bug in one download ends that download, and nothing else. */
  #onTick(): void {
    for (const { task } of this.#downloads.values()) {
      try {
        task.tick();
      } catch (error) {
        this.#log.fault(error);
        task.stop(error as Error);
      }
    }
  }

  #onBufferFree(): void {
    for (const { task } of this.#downloads.values()) task.onBufferFree();
  }

  #tellTraffic(): void {
    const torrents = this.#report.changes(this.#countTraffic());
    if (this.#incoming?.count === 0) this.#sendBuffers.trim();
    if (torrents.length > 0) this.#deps.post({ type: "traffic", torrents });
  }

  *#countTraffic(): Generator<TorrentTraffic, void> {
    const tasks = new Map([...this.#downloads.values()].map((one) => [one.torrent, one.task]));
    for (const [infoHash, torrent] of this.#torrents) {
      const peers = torrent.listeners.size + (tasks.get(torrent)?.peerCount ?? 0);
      yield { infoHash, peers, uploadedBytes: torrent.uploadedBytes };
    }
  }
}
