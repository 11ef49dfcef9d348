import { createHash } from "node:crypto";

import {
  batchContentType,
  batchTorrentsMax,
  encodeAnnounceBatch,
} from "../../core/announce-batch.ts";
import { type InfoHash, parseInfoHash } from "../../core/info-hash.ts";
import { crowdPeer } from "./crowd-announces.ts";

/** The requests of one interval of all nodes: each seeds the same torrents, node after node. */
export function* batchesOf(nodes: number, torrents: number): Generator<Buffer, undefined> {
  const hashes = Array.from({ length: torrents }, (_, index) => torrentAt(index));
  for (let node = 0; node < nodes; node++) {
    for (let at = 0; at < torrents; at += batchTorrentsMax) {
      yield batchRequest(node, hashes.slice(at, at + batchTorrentsMax));
    }
  }
}

/** A sign of life of each node. */
export function* heartbeatsOf(nodes: number): Generator<Buffer, undefined> {
  for (let node = 0; node < nodes; node++) yield batchRequest(node, []);
}

function batchRequest(node: number, seeding: readonly InfoHash[]): Buffer {
  const body = encodeAnnounceBatch({ ...crowdPeer(node), seeding, stopped: [] });
  const head = [
    ...["POST /announce HTTP/1.1", "Host: tracker", `Content-Type: ${batchContentType}`],
    `Content-Length: ${body.length}`,
  ];
  return Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`), body]);
}

function torrentAt(index: number): InfoHash {
  return parseInfoHash(createHash("sha1").update(`torrent ${index}`).digest("hex"));
}
