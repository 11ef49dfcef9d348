import { type BencodeValue, decodeBencode, isDictionary } from "../bencode.ts";
import type { Digest } from "../digest.ts";
import { InvalidArgumentError, MetainfoError } from "../errors.ts";
import { parseMetainfo } from "../metainfo.ts";
import { type PeerAddress, parsePeerAddress } from "../peer-address.ts";
import type { DirectoryEntry } from "../ports/directory.ts";

/** Peers that are read of one answer: services give at most so many. */
const peersMax = 50;

/** Web seeds that are read of one answer: a seeder names itself and its replicas. */
const webSeedsMax = 8;

/** Longest URL of a web seed. */
const urlLengthMax = 1000;

/**
 * Reads what a service says a digest is: a torrent file with peers and web seeds in it.
 * Peers and URLs that make no sense are left out; metainfo must be right.
 *
 * @param options.webSeeds Whether the service may name URLs to fetch from.
 * @throws {MetainfoError} when it is not metainfo of `digest`.
 */
export function parseDirectoryAnswer(
  bytes: Uint8Array,
  options: { readonly digest: Digest; readonly webSeeds: boolean },
): DirectoryEntry {
  const metainfo = parseMetainfo(bytes);
  if (metainfo.digest !== options.digest) {
    throw new MetainfoError(`Cannot use metainfo of ${metainfo.digest}: want ${options.digest}`);
  }
  const torrent = decodeBencode(bytes);
  const valueOf = (key: string) => (isDictionary(torrent) ? torrent.get(key) : undefined);
  return {
    metainfo,
    peers: textsIn(valueOf("x-peers"), peersMax).flatMap(peerIn),
    webSeeds: options.webSeeds ? textsIn(valueOf("url-list"), webSeedsMax).flatMap(urlIn) : [],
  };
}

/** The byte strings of a list, or one that stands alone as BEP 19 allows. */
function textsIn(value: BencodeValue | undefined, countMax: number): string[] {
  const items = value instanceof Uint8Array ? [value] : Array.isArray(value) ? value : [];
  return items
    .slice(0, countMax)
    .filter((item) => item instanceof Uint8Array)
    .map((item) => Buffer.from(item.subarray(0, urlLengthMax + 1)).toString("latin1"));
}

function peerIn(text: string): PeerAddress[] {
  try {
    return [parsePeerAddress(text)];
  } catch (error) {
    if (error instanceof InvalidArgumentError) return [];
    throw error;
  }
}

function urlIn(text: string): string[] {
  if (text.length > urlLengthMax || !URL.canParse(text)) return [];
  const { protocol, href } = new URL(text);
  return protocol === "http:" || protocol === "https:" ? [href] : [];
}
