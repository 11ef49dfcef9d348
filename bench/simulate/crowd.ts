import type { PeerAddress } from "../../core/peer-address.ts";
import { pieceLengthAt } from "../../core/piece-layout.ts";
import { seededRandom } from "../../core/testing/seeded-random.ts";
import type { ArrivingTorrent } from "../../core/torrent/arriving-torrent.ts";
import { simulatedBlob } from "./blob.ts";
import { SimulatedDownload } from "./download.ts";
import type { Giver } from "./connection.ts";
import { SimulatedHost } from "./host.ts";
import { Network } from "./network.ts";
import type { SimulatedReading } from "./reader.ts";
import type { Scenario } from "./scenario.ts";
import { GrowingSeeder, WholeSeeder } from "./seeder.ts";
import { Timeline } from "./timeline.ts";
import { SimulatedTracker } from "./tracker.ts";

/** Defaults of the daemons' configuration. */
const nodeSettings = { connectionsMax: 512, buffersBytes: 64 * 2 ** 20 } as const;
const seederSettings = { connectionsMax: 2000, buffersBytes: 0 } as const;
const peersPerBlobMax = 16;
const stallBoundMs = 5000;

/**
 * Most that a node's processor moves each way, in bytes per second, while it moves as much the other
 * way: what two daemons on a core each were seen to do, hashed and on disk.
 */
const processorBytesPerSecond = 400e6;

/** Until a piece that came is hashed and in the file: 1 MiB is hashed in less than that. */
const keepingMs = 1;

/** How much a growing blob's nodes hear of new hashes at once. */
const hashesMs = 20;

/** Nobody waits longer. */
const endMs = 3_600_000;

/** Things that happen between two words about how far a crowd is: some seconds on any machine. */
const eventsPerWord = 2 ** 20;

/** How far a crowd is. */
export interface CrowdProgress {
  /** Simulated time. */
  readonly timeMs: number;
  /** Hosts that have all blobs. */
  readonly doneHosts: number;
}

/** What became of a crowd. */
export interface CrowdOutcome {
  /** Milliseconds from a host's start until it had all blobs, of each whose time counts. */
  readonly doneMs: readonly number[];
  /** Hosts whose time counts, also those that never had all. */
  readonly countedHosts: number;
  /** Bytes that left each seeder. */
  readonly seederBytes: readonly number[];
  /** Bytes that came into each zone from others. */
  readonly borderBytes: readonly number[];
  /** Bytes that came to hosts, with those that were in vain. */
  readonly receivedBytes: number;
  /** Bytes that hosts sent to each other. */
  readonly hostBytes: number;
  /** Times that a download got nothing for the stall bound: it would have gone to the origin. */
  readonly giveUps: number;
  /** What those saw who read, of each blob of each host whose time counts. */
  readonly readings: readonly SimulatedReading[];
  /** Things that happened. */
  readonly eventCount: number;
}

interface Node {
  readonly host: SimulatedHost;
  readonly downloads: SimulatedDownload[];
  readonly startMs: number;
  readonly isCounted: boolean;
  doneMs: number | undefined;
}

/** Has a crowd get its blobs. The same scenario has the same outcome, always. */
export function simulateCrowd(
  scenario: Scenario,
  { onProgress }: { readonly onProgress?: (progress: CrowdProgress) => void } = {},
): CrowdOutcome {
  return new Crowd(scenario).run(onProgress);
}

class Crowd {
  readonly #scenario: Scenario;
  readonly #random: () => number;
  readonly #timeline = new Timeline();
  readonly #network: Network;
  readonly #trackers: readonly SimulatedTracker[];
  readonly #torrents: readonly ArrivingTorrent[];
  readonly #seeders: readonly SimulatedHost[];
  readonly #nodes: Node[] = [];
  /** Who gives a blob at an address, for each blob. */
  readonly #givers: readonly Map<string, Giver>[];
  #hostIndex = 0;
  /** Nodes whose time counts and that are not done. */
  #waiting = 0;
  #doneHosts = 0;

  constructor(scenario: Scenario) {
    const { seed, zones, latencyMs, blobSizes, trackerCount, seederCount } = scenario;
    this.#scenario = scenario;
    this.#random = seededRandom(seed);
    const timeline = this.#timeline;
    const network = new Network(timeline, {
      latencyMs,
      farLatencyMs: zones?.latencyMs ?? latencyMs,
      zones: zones?.count ?? 1,
      borderBytesPerMs: (zones?.borderBytesPerSecond ?? Infinity) / 1000,
    });
    this.#network = network;
    const isGrowing = scenario.coldBytesPerSecond !== undefined;
    this.#torrents = blobSizes.map((size, index) => simulatedBlob({ index, size, isGrowing }));
    this.#givers = blobSizes.map(() => new Map<string, Giver>());
    const random = this.#random;
    this.#trackers = times(trackerCount, () => new SimulatedTracker({ timeline, network, random }));
    const { bytesPerSecond } = scenario;
    const seederHost = { ...seederSettings, bytesPerSecond, zone: 0 };
    this.#seeders = times(seederCount, () => this.#newHost(seederHost));
    this.#torrents.forEach((torrent, blob) => this.#startSeeders(torrent, blob));
  }

  run(onProgress?: (progress: CrowdProgress) => void): CrowdOutcome {
    const { hostCount, churnPart = 0 } = this.#scenario;
    const timeline = this.#timeline;
    for (let index = 0; index < hostCount; index++) this.#startNode(index);
    for (let index = 0; index < hostCount * churnPart; index++) this.#churn(index);
    let wordAt = eventsPerWord;
    const isOver = () => {
      if (timeline.count >= wordAt) {
        wordAt += eventsPerWord;
        onProgress?.({ timeMs: timeline.nowMs, doneHosts: this.#doneHosts });
      }
      return this.#waiting === 0;
    };
    timeline.run({ untilMs: endMs, isOver });
    return this.#outcome();
  }

  #outcome(): CrowdOutcome {
    const counted = this.#nodes.filter(({ isCounted, host }) => isCounted && !host.isGone);
    return {
      doneMs: counted.flatMap(({ startMs, doneMs }) =>
        doneMs === undefined ? [] : [doneMs - startMs],
      ),
      countedHosts: counted.length,
      seederBytes: this.#seeders.map(({ uplink }) => uplink.bytes),
      borderBytes: this.#network.borderBytes,
      receivedBytes: sum(this.#nodes.map(({ host }) => host.downlink.bytes)),
      hostBytes: sum(this.#nodes.map(({ host }) => host.uplink.bytes)),
      giveUps: sum(this.#nodes.flatMap(({ downloads }) => downloads.map(({ giveUps }) => giveUps))),
      readings: counted.flatMap(({ downloads }) =>
        downloads.flatMap(({ reading }) => (reading ? [reading] : [])),
      ),
      eventCount: this.#timeline.count,
    };
  }

  #newHost(settings: {
    readonly connectionsMax: number;
    readonly buffersBytes: number;
    readonly bytesPerSecond: number;
    readonly zone?: number;
  }): SimulatedHost {
    const { connectionsMax, buffersBytes, bytesPerSecond } = settings;
    const index = this.#hostIndex++;
    const zone = settings.zone ?? index % (this.#scenario.zones?.count ?? 1);
    const bytesPerMs = Math.min(bytesPerSecond, processorBytesPerSecond) / 1000;
    return new SimulatedHost(this.#timeline, {
      ...{ index, zone, bytesPerMs, connectionsMax, buffersBytes },
    });
  }

  #startSeeders(torrent: ArrivingTorrent, blob: number): void {
    const { coldBytesPerSecond, blobSizes } = this.#scenario;
    const network = this.#network;
    const timeline = this.#timeline;
    const from = (host: SimulatedHost) => ({ host, torrent, network, timeline });
    if (coldBytesPerSecond !== undefined) {
      const host = this.#seeders[blob % this.#seeders.length];
      if (!host) return;
      const seeder = new GrowingSeeder(from(host));
      this.#offer(blob, seeder);
      this.#grow(torrent, {
        seeder,
        blob,
        bytesPerMs: coldBytesPerSecond / 1000 / blobSizes.length,
      });
      return;
    }
    for (const host of this.#seeders) this.#offer(blob, new WholeSeeder(from(host)));
  }

  /** Has a seeder receive a blob, from time 0 on. */
  #grow(
    { layout }: ArrivingTorrent,
    { seeder, blob, bytesPerMs }: { seeder: GrowingSeeder; blob: number; bytesPerMs: number },
  ): void {
    const timeline = this.#timeline;
    timeline.at(0, seeder);
    let pieces = 0;
    const arrive = () => {
      pieces++;
      seeder.grow(pieces);
      if (pieces === layout.pieceCount) return;
      const length = pieceLengthAt(layout, pieces);
      timeline.at(timeline.nowMs + length / bytesPerMs, { happen: arrive });
    };
    timeline.at(layout.pieceLength / bytesPerMs, { happen: arrive });
    const tell = () => {
      for (const { downloads } of this.#nodes) downloads[blob]?.admit(pieces);
      if (pieces < layout.pieceCount) timeline.at(timeline.nowMs + hashesMs, { happen: tell });
    };
    timeline.at(hashesMs, { happen: tell });
  }

  #offer(blob: number, giver: Giver): void {
    const { host } = giver;
    this.#givers[blob]?.set(host.address.host, giver);
    const { infoHash } = this.#torrents[blob] ?? {};
    if (infoHash) for (const tracker of this.#trackers) tracker.addSeeder(infoHash, host);
  }

  #startNode(index: number): void {
    const { slow, bytesPerSecond, hostCount } = this.#scenario;
    const slowCount = Math.round((slow?.part ?? 0) * hostCount);
    const isSlow = index < slowCount;
    const rate = isSlow ? bytesPerSecond / (slow?.factor ?? 1) : bytesPerSecond;
    this.#join(this.#newHost({ ...nodeSettings, bytesPerSecond: rate }), { isCounted: !isSlow });
  }

  #join(host: SimulatedHost, { isCounted }: { readonly isCounted: boolean }): void {
    const startMs = this.#timeline.nowMs;
    const node: Node = { host, downloads: [], startMs, isCounted, doneMs: undefined };
    if (isCounted) this.#waiting++;
    this.#nodes.push(node);
    this.#torrents.forEach((torrent, blob) => this.#download(node, { torrent, blob }));
  }

  #download(node: Node, { torrent, blob }: { torrent: ArrivingTorrent; blob: number }): void {
    const { host, downloads } = node;
    const timeline = this.#timeline;
    const download = new SimulatedDownload({
      ...{ host, torrent, timeline, network: this.#network, random: this.#random },
      ...{ peersPerBlobMax, stallBoundMs, hasReader: this.#scenario.hasReaders ?? false },
      keeping: timeline.lane(keepingMs),
      giverAt: (address: PeerAddress) => this.#givers[blob]?.get(address.host),
      onDone: (nowMs) => {
        if (downloads.every(({ isDone }) => isDone)) this.#done(node, nowMs);
      },
      onBufferFree: () => {
        for (const each of downloads) each.refill();
      },
    });
    downloads.push(download);
    this.#givers[blob]?.set(host.address.host, download);
    timeline.at(timeline.nowMs + this.#random() * 250, download);
    for (const tracker of this.#trackers) {
      tracker.announce(torrent.infoHash, host, (peers) => download.addPeers(peers));
    }
  }

  #done(node: Node, nowMs: number): void {
    if (node.doneMs !== undefined) return;
    node.doneMs = nowMs;
    this.#doneHosts++;
    if (node.isCounted && !node.host.isGone) this.#waiting--;
  }

  /** One of the first hosts vanishes while the others download, and a new one comes. */
  #churn(index: number): void {
    const { hostCount, blobSizes, bytesPerSecond } = this.#scenario;
    const idealMs = (sum(blobSizes) / bytesPerSecond) * 1000;
    const node = this.#nodes[Math.floor(((index + this.#random()) * hostCount) / hostCount)];
    this.#timeline.at(this.#random() * idealMs, {
      happen: () => {
        if (!node || node.host.isGone) return;
        if (node.isCounted && node.doneMs === undefined) this.#waiting--;
        node.host.isGone = true;
      },
    });
    this.#timeline.at(this.#random() * idealMs, {
      happen: () => {
        this.#join(this.#newHost({ ...nodeSettings, bytesPerSecond }), { isCounted: true });
      },
    });
  }
}

function times<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
