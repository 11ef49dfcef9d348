import { parseAnnounceBatchAnswer } from "../announce-batch.ts";
import { type BencodeValue, decodeBencode, isDictionary } from "../bencode.ts";
import { decodeCompactPeers } from "../compact-peers.ts";
import { AccessDeniedError, CodedError, UnavailableError } from "../errors.ts";
import { type IpFamily, parseIp } from "../ip-address.ts";
import type { PeerAddress } from "../peer-address.ts";
import {
  type AnnounceAnswer,
  type BatchAnswer,
  boundedIntervalMs,
  peersMax,
} from "./tracker-client.ts";

/** Longest reason of a refusal that is passed on. */
const reasonLengthMax = 200;

/** Seconds of pause when a tracker does not say. */
const defaultIntervalSeconds = 600;

/** Seconds that a tracker is left alone at least when it does not say. */
const defaultIntervalMinSeconds = 10;

/**
 * Reads the body of a tracker's answer to an announce over HTTP.
 *
 * @throws {UnavailableError} when it is not one.
 * @throws {AccessDeniedError} when it is a failure reason.
 * @see BEP 3, BEP 7, BEP 23
 */
export function parseHttpAnnounceAnswer(body: Uint8Array): Omit<AnnounceAnswer, "generation"> {
  return readWith(() => answerIn(dictionaryIn(body)));
}

/** Reads the body of the answer to a batch. @throws as {@link parseHttpAnnounceAnswer} */
export function parseHttpBatchAnswer(body: Uint8Array): Omit<BatchAnswer, "generation"> {
  const answer = readWith(() => parseAnnounceBatchAnswer(dictionaryIn(body)));
  return {
    intervalMs: boundedIntervalMs(answer.intervalSeconds),
    heartbeatMs: boundedIntervalMs(answer.heartbeatSeconds),
    admission: answer.admission,
    refused: new Set(answer.refused),
  };
}

function readWith<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof AccessDeniedError || !(error instanceof CodedError)) throw error;
    throw new UnavailableError("Cannot read the tracker's answer", { cause: error });
  }
}

/** @throws {AccessDeniedError} when it is a failure reason. */
function dictionaryIn(body: Uint8Array): ReadonlyMap<string, BencodeValue> {
  const answer = decodeBencode(body);
  if (!isDictionary(answer)) throw new UnavailableError("Cannot use the answer: no dictionary");
  const failure = answer.get("failure reason");
  if (failure !== undefined) throw new AccessDeniedError(reasonOf(failure));
  return answer;
}

function answerIn(answer: ReadonlyMap<string, BencodeValue>): Omit<AnnounceAnswer, "generation"> {
  const interval = numberIn(answer, "interval") ?? defaultIntervalSeconds;
  const intervalMin = numberIn(answer, "min interval") ?? defaultIntervalMinSeconds;
  const peers = [...peersIn(answer.get("peers"), 4), ...peersIn(answer.get("peers6"), 6)];
  return {
    intervalMs: boundedIntervalMs(interval),
    intervalMinMs: boundedIntervalMs(Math.min(interval, intervalMin)),
    peers: peers.slice(0, peersMax),
    admission: numberIn(answer, "admission"),
  };
}

function peersIn(peers: BencodeValue | undefined, family: IpFamily): PeerAddress[] {
  if (peers === undefined) return [];
  if (peers instanceof Uint8Array) {
    return decodeCompactPeers(peers, { family, countMax: peersMax });
  }
  if (!isList(peers)) throw new UnavailableError("Cannot use the answer: bad peers");
  return peers.slice(0, peersMax).flatMap(peerIn);
}

/** A peer in the long form; names are left out, for a tracker must not have us resolve them. */
function peerIn(peer: BencodeValue): PeerAddress[] {
  if (!isDictionary(peer)) return [];
  const port = numberIn(peer, "port") ?? 0;
  const ip = peer.get("ip");
  const host = ip instanceof Uint8Array ? Buffer.from(ip).toString("latin1") : "";
  return parseIp(host) && port > 0 && port <= 65535 ? [{ host, port }] : [];
}

function isList(value: BencodeValue): value is readonly BencodeValue[] {
  return Array.isArray(value);
}

function numberIn(dictionary: ReadonlyMap<string, BencodeValue>, key: string): number | undefined {
  const value = dictionary.get(key);
  return typeof value === "number" ? value : undefined;
}

/** Printable ASCII of a tracker's text: it ends in our log. */
function reasonOf(failure: BencodeValue): string {
  const bytes = failure instanceof Uint8Array ? failure.subarray(0, reasonLengthMax) : [];
  const reason = Buffer.from(bytes)
    .toString("latin1")
    .replace(/[^ -~]/g, "?");
  return `Cannot announce: the tracker says ${JSON.stringify(reason)}`;
}
