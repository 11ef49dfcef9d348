import type { AnnounceBatch } from "../announce-batch.ts";
import type { InfoHash } from "../info-hash.ts";
import type { PeerAddress } from "../peer-address.ts";
import type { Cancellable } from "../ports/cancellable.ts";

/** What happened since the last announce, if anything. */
export type AnnounceEvent = "started" | "completed" | "stopped";

/** One announce of one torrent. */
export interface AnnounceRequest {
  readonly infoHash: InfoHash;
  /** Port on which we take peers. */
  readonly port: number;
  /** Bytes, as are the next two. */
  readonly left: number;
  readonly uploaded: number;
  readonly downloaded: number;
  readonly event: AnnounceEvent | undefined;
  /** Peers that we want to hear of at most. */
  readonly peersWanted: number;
}

/** What a tracker says. */
export interface AnnounceAnswer {
  /** When it wants to hear of us again. */
  readonly intervalMs: number;
  /** How long it wants to be left alone at least. */
  readonly intervalMinMs: number;
  readonly peers: readonly PeerAddress[];
  /** Changes when the tracker has forgotten its peers; ours say so, others do not. */
  readonly generation: string | undefined;
  /** As in a {@link BatchAnswer}; `undefined` when the tracker does not say. */
  readonly admission?: number | undefined;
  /** It was not told where we are, and may be from now on: it wants to hear of us again. */
  readonly wantsPlace?: boolean;
  /** How many torrents it takes in one {@link TrackerClient.announceBatch}; else it takes none. */
  readonly batchTorrentsMax?: number | undefined;
}

/** Many announces of torrents for which nobody is looked for. */
export type BatchRequest = Omit<AnnounceBatch, "peerId">;

/** What a tracker says to a {@link BatchRequest}. */
export interface BatchAnswer {
  readonly intervalMs: number;
  /** How often it wants a sign of life. */
  readonly heartbeatMs: number;
  /** Changes when the tracker has forgotten us; `undefined` when it knows us in no swarm. */
  readonly admission: number | undefined;
  /** Torrents that it does not take. */
  readonly refused: ReadonlySet<InfoHash>;
  readonly generation: string | undefined;
}

/** Speaks with one tracker. Keeps a connection or socket while it is used. */
export interface TrackerClient extends AsyncDisposable {
  /** Scheme and host: what may be logged. */
  readonly name: string;
  /** Announces that may be under way at once. */
  readonly concurrencyMax: number;

  /**
   * @throws {UnavailableError} when no answer came, or one that makes no sense.
   * @throws {AccessDeniedError} when the tracker does not take this torrent.
   */
  announce(request: AnnounceRequest, options: Cancellable): Promise<AnnounceAnswer>;

  /**
   * Announces many torrents, or none as a sign of life, to a tracker that said it takes them.
   *
   * @throws {UnavailableError} as above.
   * @throws {AccessDeniedError} when the tracker does not take batches after all.
   */
  announceBatch?(request: BatchRequest, options: Cancellable): Promise<BatchAnswer>;
}

/** Peers that are read of one answer: more than any client connects to. */
export const peersMax = 200;

/**
 * Bounds of the intervals that trackers may ask for, in milliseconds: a hostile one
 * must neither have us announce without pause nor keep us away for good.
 */
const intervalBoundsMs = { min: 1000, max: 3_600_000 } as const;

/** A tracker's interval within reason. @param seconds as it came; bounded by this */
export function boundedIntervalMs(seconds: number): number {
  return Math.min(intervalBoundsMs.max, Math.max(intervalBoundsMs.min, seconds * 1000));
}
