import type { ByteRange } from "../byte-range.ts";
import type { Digest } from "../digest.ts";
import {
  CodedError,
  DigestMismatchError,
  MetainfoError,
  StorageFullError,
  UnavailableError,
} from "../errors.ts";
import type { InfoHash } from "../info-hash.ts";
import type { Metainfo } from "../metainfo.ts";
import type { PeerAddress } from "../peer-address.ts";
import type { BytesReceived, PlaceRefusals } from "../ports/swarm.ts";
import type { Place } from "../topology.ts";
import type { ArrivingTorrent } from "./arriving-torrent.ts";
import type { OriginAnswer } from "./origin-source.ts";

/** What the engine is started with. */
export interface EngineSettings {
  /** Address to listen on; `::` takes IPv4 as well. */
  readonly host: string;
  /** Port to listen on; 0 takes any. */
  readonly port: number;
  /** Told to peers, for their account of bytes. */
  readonly dedicatedSeeder: boolean;
  /** A download from which no piece came for this long has failed. */
  readonly stallBoundMs: number;
  /** Connections that peers may have to us, over all torrents. */
  readonly connectionsMax: number;
  /** Of them, those of one host. */
  readonly connectionsPerHostMax: number;
  /** Peers that one blob is fetched from at once. */
  readonly peersPerBlobMax: number;
  /** Memory of the host's limits; `undefined` when there are none. */
  readonly limits: SharedArrayBuffer | undefined;
  /** Where this host is: told to peers, and held against where they are. */
  readonly place: Place | undefined;
}

/** What the thread of the engine is told. Downloads have a number, for one may follow another. */
export type SwarmCommand =
  | {
      readonly type: "seed";
      readonly infoHash: InfoHash;
      readonly size: number;
      readonly path: string;
    }
  | { readonly type: "withdraw"; readonly infoHash: InfoHash }
  /** A blob is offered while it grows: none of its pieces at first. */
  | {
      readonly type: "seedGrowing";
      readonly id: number;
      readonly infoHash: InfoHash;
      readonly size: number;
      readonly path: string;
      readonly movedTo: string | undefined;
    }
  /** It has so many pieces from now on. */
  | { readonly type: "grow"; readonly id: number; readonly pieces: number }
  | { readonly type: "withdrawGrowing"; readonly id: number }
  | {
      readonly type: "download";
      readonly id: number;
      readonly torrent: ArrivingTorrent;
      readonly path: string;
      readonly peers: readonly PeerAddress[];
      readonly webSeeds: readonly string[];
      /** Whether the origin may be asked, by the other thread. */
      readonly hasOrigin: boolean;
      /** Nobody waits for it. */
      readonly isAhead: boolean;
    }
  /** Somebody waits for a download from now on. */
  | { readonly type: "hasten"; readonly id: number }
  | {
      readonly type: "originAnswer";
      readonly id: number;
      readonly request: number;
      readonly answer: OriginAnswer;
    }
  /** The hashes of the next pieces of a growing torrent. */
  | { readonly type: "hashes"; readonly id: number; readonly hashes: Uint8Array }
  | { readonly type: "peers"; readonly id: number; readonly peers: readonly PeerAddress[] }
  | {
      readonly type: "want";
      readonly id: number;
      readonly reader: number;
      readonly range: ByteRange;
    }
  | { readonly type: "unwant"; readonly id: number; readonly reader: number }
  | { readonly type: "stop"; readonly id: number }
  | {
      readonly type: "metainfo";
      readonly infoHash: InfoHash;
      readonly metainfo: Metainfo | undefined;
    }
  | { readonly type: "close" };

/** What the thread of the engine tells. */
export type SwarmEvent =
  | { readonly type: "listening"; readonly port: number }
  | { readonly type: "broken"; readonly failure: Failure }
  | {
      readonly type: "pieces";
      readonly id: number;
      readonly indexes: readonly number[];
      readonly received: BytesReceived;
    }
  /** Bytes that came so far from anybody but the origin, of pieces that are whole or not. */
  | { readonly type: "bytes"; readonly id: number; readonly bytes: number }
  /** How many sources that have the whole blob are connected. */
  | { readonly type: "goodSources"; readonly id: number; readonly count: number }
  /** Bytes are wanted of the origin. */
  | {
      readonly type: "originWanted";
      readonly id: number;
      readonly request: number;
      readonly range: ByteRange;
    }
  /** More peers are wanted. */
  | { readonly type: "hurry"; readonly id: number }
  | { readonly type: "done"; readonly id: number }
  | { readonly type: "failed"; readonly id: number; readonly failure: Failure }
  | { readonly type: "stopped"; readonly id: number }
  | { readonly type: "traffic"; readonly torrents: readonly TorrentTraffic[] }
  /** Since the engine was started. */
  | { readonly type: "refusals"; readonly refusals: PlaceRefusals }
  | { readonly type: "metainfoWanted"; readonly infoHash: InfoHash }
  | {
      readonly type: "log";
      readonly level: "debug" | "info" | "warn" | "error";
      readonly message: string;
      readonly fields: Readonly<Record<string, unknown>>;
    };

/** What has changed of a torrent since it was last told. */
export interface TorrentTraffic {
  readonly infoHash: InfoHash;
  readonly peers: number;
  readonly uploadedBytes: number;
}

/** An error on its way between threads, which copy no classes. */
export type Failure =
  | {
      readonly kind: "unavailable" | "storageFull" | "metainfo" | "internal";
      readonly message: string;
    }
  | { readonly kind: "digestMismatch"; readonly expected: Digest; readonly actual: Digest };

export function failureFrom(error: unknown): Failure {
  if (error instanceof DigestMismatchError) {
    return { kind: "digestMismatch", expected: error.expected, actual: error.actual };
  }
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof StorageFullError) return { kind: "storageFull", message };
  if (error instanceof MetainfoError) return { kind: "metainfo", message };
  return { kind: error instanceof CodedError ? "unavailable" : "internal", message };
}

export function errorFrom(failure: Failure): Error {
  switch (failure.kind) {
    case "digestMismatch":
      return new DigestMismatchError(failure.expected, failure.actual);
    case "storageFull":
      return new StorageFullError(failure.message);
    case "metainfo":
      return new MetainfoError(failure.message);
    case "unavailable":
      return new UnavailableError(failure.message);
    case "internal":
      return new Error(failure.message);
  }
}
