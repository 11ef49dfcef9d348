import { Agent } from "node:http";

import type { HostLimits } from "../limits/host-limits.ts";
import { BufferPool } from "./buffer-pool.ts";
import { DialSlots, type DialSlotsDeps } from "./dial-slots.ts";
import { DigestThread } from "./digest-thread.ts";
import type { DownloadEvents } from "./download-events.ts";
import { DownloadShares, type SharedBuffers } from "./download-shares.ts";
import { DownloadTask } from "./download-task.ts";
import type { EngineLog } from "./engine-log.ts";
import type { NodeInfo } from "./extended-handshake.ts";
import { tickMs } from "./limits.ts";
import { PieceNews } from "./piece-news.ts";
import { ServedTorrent } from "./served-torrent.ts";
import type { StockPeers } from "./stock-peers.ts";
import { type SwarmCommand, type SwarmEvent, failureFrom } from "./worker-protocol.ts";

/** Pieces in memory that are on their way, in bytes, over all downloads: one that is alone has 64 MiB. */
const pieceBytesMax = 96 * 1024 * 1024;

/** Read from a socket at once, in bytes; one buffer for all, copied from before the next read. */
const receiveLength = 256 * 1024;

/** Connections to one web seed, over all downloads. */
const webConnectionsMax = 8;

export interface RunningDownloadsDeps {
  readonly connections: Omit<DialSlotsDeps, "onFree">;
  readonly peerId: Uint8Array;
  readonly self: () => Omit<NodeInfo, "whole">;
  readonly stallBoundMs: number;
  readonly peersPerBlobMax: number;
  readonly stockPeers: StockPeers;
  readonly limits: Pick<HostLimits, "passage">;
  readonly log: EngineLog;
  readonly post: (event: SwarmEvent) => void;
  readonly now: () => number;
  readonly random: () => number;
  /** From now on a torrent is served as far as it came. */
  readonly serve: (torrent: ServedTorrent) => void;
  /** A torrent is not here any more. */
  readonly forget: (torrent: ServedTorrent) => void;
  /** A growing torrent is whole, and its owner has let go of it: peers in the midst of it are served. */
  readonly linger: (torrent: ServedTorrent) => void;
}

interface RunningDownload {
  readonly task: DownloadTask;
  readonly torrent: ServedTorrent;
  readonly ended: Promise<void>;
}

/** The downloads of the engine by their numbers, and what they share: threads, room, time. */
export class RunningDownloads implements AsyncDisposable {
  readonly #deps: RunningDownloadsDeps;
  readonly #downloads = new Map<number, RunningDownload>();
  readonly #pieceBuffers = new BufferPool(pieceBytesMax);
  readonly #shares = new DownloadShares(this.#pieceBuffers);
  readonly #receiveBuffer = Buffer.allocUnsafeSlow(receiveLength);
  readonly #webAgent = new Agent({ keepAlive: true, maxSockets: webConnectionsMax });
  readonly #digests = new DigestThread();
  readonly #dialSlots: DialSlots;
  #refusals = 0;
  #tick: NodeJS.Timeout | undefined;

  constructor(deps: RunningDownloadsDeps) {
    this.#deps = deps;
    this.#dialSlots = new DialSlots({
      ...deps.connections,
      onFree: () => this.#forEach((task) => task.onSlotFree()),
    });
  }

  find(id: number): DownloadTask | undefined {
    return this.#downloads.get(id)?.task;
  }

  /** Times that a node had no place for one of them. */
  get refusals(): number {
    return this.#refusals;
  }

  /** Connections to peers by what is downloaded over them. */
  peerCounts(): ReadonlyMap<ServedTorrent, number> {
    const downloads = [...this.#downloads.values()];
    return new Map(downloads.map(({ torrent, task }) => [torrent, task.peerCount]));
  }

  start(command: Extract<SwarmCommand, { type: "download" }>): void {
    const { id, path } = command;
    const { post, serve } = this.#deps;
    const news = new PieceNews((indexes, received) =>
      post({ type: "pieces", id, indexes, received }),
    );
    const buffers = this.#shares.open(() => this.#offerRoom(id));
    const task = this.#taskFor(command, buffers, {
      onPiece: (index, received) => {
        torrent.gained(index);
        news.add(index, received);
      },
      onIntent: (index, isComing) => torrent.intends(index, isComing),
    });
    const { infoHash, layout, pieceHashes } = command.torrent;
    const { have: partial, intents } = task;
    const isGrowing = pieceHashes === undefined;
    const torrent = new ServedTorrent({
      ...{ infoHash, layout, path, partial, intents, isGrowing },
      // As many as it asks itself: everybody finds as many, if with some looking.
      askersMax: this.#deps.peersPerBlobMax,
    });
    torrent.onPeer = (address, place) => task.meet(address, place);
    serve(torrent);
    const ended = this.#run(id, { task, torrent, news }).finally(() => buffers.close());
    this.#downloads.set(id, { task, torrent, ended });
    this.#tick ??= setInterval(() => this.#forEach((task) => task.tick()), tickMs);
  }

  /** The download's owner has let go of it. What it has is not served any more, unless seeded. */
  stop(id: number): void {
    const { post, forget, linger } = this.#deps;
    const download = this.#downloads.get(id);
    if (!download) {
      post({ type: "stopped", id });
      return;
    }
    this.#downloads.delete(id);
    download.task.stop(new DOMException("The download was stopped", "AbortError"));
    const { torrent } = download;
    if (torrent.isGrowing && torrent.whole) linger(torrent);
    else if (!torrent.isSeeded) forget(torrent);
    if (this.#downloads.size === 0) {
      clearInterval(this.#tick);
      this.#tick = undefined;
      this.#pieceBuffers.trim();
    }
    void download.ended.then(() => post({ type: "stopped", id }));
  }

  /** Stops all. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#tick);
    const downloads = [...this.#downloads.values()];
    for (const id of this.#downloads.keys()) this.stop(id);
    await Promise.all(downloads.map(({ ended }) => ended));
    this.#webAgent.destroy();
    await this.#digests[Symbol.asyncDispose]();
  }

  #taskFor(
    command: Extract<SwarmCommand, { type: "download" }>,
    buffers: SharedBuffers,
    events: Pick<DownloadEvents, "onPiece" | "onIntent">,
  ): DownloadTask {
    const { id, torrent, path, peers, webSeeds, hasOrigin, isAhead } = command;
    const { peerId, self, stallBoundMs, peersPerBlobMax, stockPeers } = this.#deps;
    const { limits, log, post, now, random } = this.#deps;
    return new DownloadTask({
      ...{ torrent, path, peers, webSeeds, hasOrigin, isAhead, peerId },
      self: { ...self(), whole: false },
      ...{ stallBoundMs, peersPerBlobMax, stockPeers, limits, now, random },
      dialSlots: this.#dialSlots,
      onRefused: () => this.#refusals++,
      buffers,
      receiveBuffer: this.#receiveBuffer,
      digests: this.#digests,
      webAgent: this.#webAgent,
      events: {
        ...events,
        onBytes: (bytes) => post({ type: "bytes", id, bytes }),
        onGoodSources: (count) => post({ type: "goodSources", id, count }),
        onOriginWanted: (request, range) => post({ type: "originWanted", id, request, range }),
        onHurry: () => post({ type: "hurry", id }),
        onDetail: (message, fields) => log.debug(message, fields),
        onWarning: (message, fields) => log.warn(message, fields),
        onFault: (error) => log.fault(error),
      },
    });
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
    const { post, forget } = this.#deps;
    try {
      await task.run();
      // Its owner moves the file while peers may be in the midst of it. Where it cannot be
      // held they go elsewhere.
      if (torrent.isGrowing) await torrent.hold().catch(() => undefined);
      torrent.complete();
      news.flush();
      post({ type: "done", id });
    } catch (error) {
      forget(torrent);
      news.flush();
      post({ type: "failed", id, failure: failureFrom(error) });
    } finally {
      // Nothing of the download outlives it, though its torrent may be served for years.
      torrent.onPeer = undefined;
    }
  }

  #forEach(work: (task: DownloadTask) => void): void {
    for (const { task } of this.#downloads.values()) this.#guard(task, () => work(task));
  }

  #offerRoom(id: number): void {
    const task = this.find(id);
    if (task) this.#guard(task, () => task.onRoom());
  }

  /** A bug in one download ends that download, and nothing else. */
  #guard(task: DownloadTask, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#deps.log.fault(error);
      task.stop(error as Error);
    }
  }
}
