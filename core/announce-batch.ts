import { type BencodeValue, decodeBencode, encodeBencode, isDictionary } from "./bencode.ts";
import { InvalidArgumentError } from "./errors.ts";
import { type InfoHash, infoHashFromBytes } from "./info-hash.ts";
import { peerIdLength } from "./peer-id.ts";

/**
 * Many announces of one peer in one HTTP request to a tracker of ours, and a sign of life for
 * all of its swarms. It asks for no peers: who looks for some announces itself as BEP 3 has it.
 */
export interface AnnounceBatch {
  /** 20 bytes. */
  readonly peerId: Uint8Array;
  /** Port on which the peer takes others. */
  readonly port: number;
  /** Torrents of which it has all. */
  readonly seeding: readonly InfoHash[];
  /** Torrents that it leaves. */
  readonly stopped: readonly InfoHash[];
}

/** What a tracker says to an {@link AnnounceBatch}. */
export interface AnnounceBatchAnswer {
  /** When it wants to hear of these torrents again. */
  readonly intervalSeconds: number;
  /** Who is silent for three times as long is not handed out any more, in any swarm. */
  readonly heartbeatSeconds: number;
  /**
   * Changes when the tracker has forgotten the peer since, and so all that it had announced.
   * `undefined`: the peer is in no swarm.
   */
  readonly admission: number | undefined;
  /** Torrents that it does not take, now. */
  readonly refused: readonly InfoHash[];
}

/**
 * Torrents in one batch: 10 KB. A tracker takes it in within a millisecond, and within two from a
 * peer that says it is in another zone each time.
 */
export const batchTorrentsMax = 500;

/** Longest body of a batch: its torrents, and room for all else. */
export const batchLengthMax = batchTorrentsMax * 20 + 1024;

/** The type of the body of a batch, which is sent by POST to the announce URL. */
export const batchContentType = "application/x-shoal-announces";

/** With an answer to an ordinary announce: how many torrents a batch may have. */
export const batchHeader = "x-shoal-batch";

const infoHashLength = 20;

export function encodeAnnounceBatch({ peerId, port, seeding, stopped }: AnnounceBatch): Buffer {
  return encodeBencode({
    peer_id: peerId,
    port,
    seeding: joined(seeding),
    stopped: joined(stopped),
  });
}

/**
 * @throws {InvalidArgumentError} when it is none, or has more than {@link batchTorrentsMax}
 *   torrents.
 */
export function parseAnnounceBatch(body: Uint8Array): AnnounceBatch {
  const batch = decodeBencode(body);
  if (!isDictionary(batch)) throw failure("want a dictionary");
  const peerId = batch.get("peer_id");
  if (!(peerId instanceof Uint8Array) || peerId.length !== peerIdLength) {
    throw failure("bad peer_id");
  }
  const port = batch.get("port");
  if (typeof port !== "number" || port < 1 || port > 65_535) throw failure("bad port");
  const seeding = infoHashesIn(batch.get("seeding"));
  const stopped = infoHashesIn(batch.get("stopped"));
  if (seeding.length + stopped.length > batchTorrentsMax) throw failure("too many torrents");
  return { peerId, port, seeding, stopped };
}

export function encodeAnnounceBatchAnswer(answer: AnnounceBatchAnswer): Buffer {
  const { intervalSeconds, heartbeatSeconds, admission, refused } = answer;
  return encodeBencode({
    interval: intervalSeconds,
    heartbeat: heartbeatSeconds,
    admission,
    refused: refused.length > 0 ? joined(refused) : undefined,
  });
}

/** @throws {InvalidArgumentError} when it is none. */
export function parseAnnounceBatchAnswer(
  answer: ReadonlyMap<string, BencodeValue>,
): AnnounceBatchAnswer {
  const [intervalSeconds, heartbeatSeconds] = [answer.get("interval"), answer.get("heartbeat")];
  const admission = answer.get("admission");
  if (typeof intervalSeconds !== "number" || typeof heartbeatSeconds !== "number") {
    throw failure("no intervals in the answer");
  }
  return {
    intervalSeconds,
    heartbeatSeconds,
    admission: typeof admission === "number" ? admission : undefined,
    refused: infoHashesIn(answer.get("refused")),
  };
}

function joined(infoHashes: readonly InfoHash[]): Buffer {
  return Buffer.from(infoHashes.join(""), "hex");
}

function infoHashesIn(value: BencodeValue | undefined): InfoHash[] {
  if (value === undefined) return [];
  if (!(value instanceof Uint8Array) || value.length % infoHashLength !== 0) {
    throw failure("bad info hashes");
  }
  const count = value.length / infoHashLength;
  if (count > batchTorrentsMax) throw failure("too many torrents");
  return Array.from({ length: count }, (_, index) =>
    infoHashFromBytes(value.subarray(index * infoHashLength, (index + 1) * infoHashLength)),
  );
}

function failure(why: string): InvalidArgumentError {
  return new InvalidArgumentError(`Cannot read the batch of announces: ${why}`);
}
