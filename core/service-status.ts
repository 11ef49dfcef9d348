/**
 * What a running service tells about itself: the body of `GET /v1/status`, in JSON.
 *
 * For people to look at, not for programs to steer by. Sections that a service has
 * nothing to say on are left out. Lists are bounded by {@link statusListMax}.
 */
export interface ServiceStatus {
  readonly service: ServiceName;
  /** Version of the program, as in package.json. */
  readonly version: string;
  /** Milliseconds since the service was ready. */
  readonly uptimeMs: number;
  readonly blobs?: BlobsReport;
  /** Blobs on their way in: written by containerd, arriving from a swarm, or fetched from an origin. */
  readonly ingests?: readonly IngestReport[];
  /** A `SwarmStatus` of core/ports/swarm.ts is one. */
  readonly swarms?: readonly SwarmReport[];
  readonly sources?: readonly SourceReport[];
  /** Layers that are unpacked here, or were a moment ago; those that move come first. */
  readonly layers?: readonly LayerReport[];
  /** Images that are fetched before somebody pulls them. */
  readonly preheats?: readonly PreheatReport[];
  /** Nodes that wait for tasks of this seeder. */
  readonly nodes?: NodesReport;
  /** What was pushed to a seeder and waits for its registry. */
  readonly pushes?: PushesReport;
  readonly traffic?: TrafficReport;
  /** A `PlaceRefusals` of core/ports/swarm.ts is one. */
  readonly refusals?: RefusalsReport;
  /** Those that are set. */
  readonly limits?: readonly LimitReport[];
  readonly directory?: DirectoryReport;
}

/** The three programs of the system. */
export type ServiceName = "content-proxy" | "seeder" | "tracker";

/** Entries of each list of a status: more is not for people to read, and would not be small. */
export const statusListMax = 1000;

/** Blobs on this machine. */
export interface BlobsReport {
  /** Blobs that containerd was told of (content-proxy) or that are pinned (seeder). */
  readonly owned: number;
  /** Whole blobs that may be evicted. */
  readonly cached: number;
  /** Blobs whose bytes are still arriving. */
  readonly arriving: number;
  /** Length of all whole blobs. */
  readonly bytes: number;
  /** Bytes that blobs may take; left out when there is no budget. */
  readonly budgetBytes?: number;
}

/** A blob on its way in. */
export interface IngestReport {
  /** containerd's ref, or the digest where there is none. */
  readonly ref: string;
  /** Bytes here so far. */
  readonly bytes: number;
  /** Length that the blob will have; 0 when not known. */
  readonly size: number;
  /** Where its bytes come from: `containerd`, `swarm`, or the name of an origin. */
  readonly from: string;
}

/** A layer on its way to a snapshot. */
export interface LayerReport {
  /** Name that containerd knows its snapshot by. */
  readonly chainId: string;
  readonly digest: string;
  /**
   * `waiting` for layers that came first, `arriving` while bytes are missing, `unpacking`
   * when all are here, `done` when it can be had as a snapshot.
   */
  readonly state: "waiting" | "arriving" | "unpacking" | "done" | "failed";
  /** Bytes of the blob that were unpacked so far. */
  readonly bytes: number;
  /** Length of the blob. */
  readonly size: number;
  /** Of the blob; left out before it is known. */
  readonly bytesPerSecond?: number;
  /** Files, directories and all else that was written. */
  readonly entries?: number;
}

/** An image that is fetched before somebody pulls it. */
export interface PreheatReport {
  /** By which a seeder cancels it; left out by nodes. */
  readonly id?: string;
  /** Reference in full. */
  readonly image: string;
  /**
   * `fetching` from the origin, or on a node from the swarm; `nodes` once the seeder has it and
   * nodes get it; on a node `waiting` for what came first, `paused` while a pull is under way.
   */
  readonly state: "waiting" | "fetching" | "paused" | "nodes";
  /** Bytes that are here. */
  readonly bytes: number;
  /** Bytes that will be here, as far as manifests were read. */
  readonly size: number;
  /** How many nodes get it, and how many are through. */
  readonly nodes?: { readonly count: number; readonly done: number; readonly failed: number };
}

/** Nodes that wait for tasks. */
export interface NodesReport {
  readonly connected: number;
  readonly connectedMax: number;
}

/** What was pushed here, and what of it has not arrived at its registry. */
export interface PushesReport {
  /** Blobs that clients upload, or may go on to. */
  readonly uploads: number;
  readonly waiting: number;
  /** How many of those that wait somebody must do something about. */
  readonly refused: number;
  /** Those that are refused first, then the oldest. */
  readonly list: readonly PushReport[];
}

/** Something that waits for its registry. */
export interface PushReport {
  /** By which it is tried anew, or given up. */
  readonly id: string;
  readonly kind: "blob" | "manifest" | "tag";
  /** `registry/repository`, and a tag or digest. */
  readonly name: string;
  /** Length of the blob or manifest in bytes. */
  readonly size: number;
  /** When it was pushed, as ISO 8601. */
  readonly since: string;
  /**
   * `refused` is tried again slowly, `failing` soon; `behind others` waits for what the registry
   * must have first.
   */
  readonly state: "waiting" | "behind others" | "writing" | "failing" | "refused";
  readonly failures: number;
  /** Why it failed last, in one line. */
  readonly problem?: string;
}

/** One swarm that the service is in. */
export interface SwarmReport {
  readonly infoHash: string;
  readonly digest: string;
  readonly size: number;
  readonly bytesDone: number;
  /** Peers connected now; for a tracker, peers that announced. */
  readonly peers: number;
  readonly uploadedBytes: number;
  /** Bytes received since the service started, by kind of giver. */
  readonly received: {
    readonly peers: number;
    readonly seeders: number;
    readonly webSeeds: number;
  };
}

/** Bytes that came and went since the service started. */
export interface TrafficReport {
  /** From swarms, by kind of giver. */
  readonly received: SwarmReport["received"];
  /** Written by containerd, or fetched from origins: what the swarm did not give. */
  readonly originBytes: number;
  readonly uploadedBytes: number;
}

/**
 * How often nodes were not served with a blob since the service started, for as many others were
 * as may be: each comes again, so many of them tell of a crowd and not of a fault.
 */
export interface RefusalsReport {
  /** Times that a node found no place here. */
  readonly given: number;
  /** Times that this one found no place with another. */
  readonly met: number;
}

/** A limit of how fast bytes may come or go. */
export interface LimitReport {
  readonly name: string;
  readonly bytesPerSecond: number;
  /** Bytes that went through it since the service started, while it was set. */
  readonly bytes: number;
}

/** Something that the service asks: a tracker, a seeder, an origin. */
export interface SourceReport {
  readonly kind: "tracker" | "seeder" | "origin";
  /** Address without credentials and without a query. */
  readonly name: string;
  /** Whether the last answer was a good one; left out before the first. */
  readonly up?: boolean;
  /** Bytes that came from it since the service started. */
  readonly bytes?: number;
  /** Why the last request failed, in one line. */
  readonly problem?: string;
}

/** The directory digest -> metainfo of a tracker or seeder. */
export interface DirectoryReport {
  readonly entries: number;
  readonly entriesMax: number;
  /** Bytes of metainfo that are held. */
  readonly bytes: number;
  readonly bytesMax: number;
}
