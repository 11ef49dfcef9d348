import type { IncomingMessage } from "node:http";

import { type Digest, parseDigest } from "../../core/digest.ts";
import { InvalidArgumentError, MetainfoError } from "../../core/errors.ts";
import { type InfoHash, parseInfoHash } from "../../core/info-hash.ts";
import { encodeMetainfo, metainfoLengthMax, parseMetainfo } from "../../core/metainfo.ts";
import type { PublishedMetainfo } from "../published-metainfo.ts";
import type { SwarmTable } from "../swarm-table.ts";
import { type HttpAnswer, errorAnswer } from "../../core/http/http-answer.ts";
import { readBody } from "../../core/http/read-body.ts";

/** What {@link metainfoRoute} works with. */
export interface MetainfoRouteDeps {
  readonly published: PublishedMetainfo;
  readonly swarms: SwarmTable;
  /** Whether the request may publish. */
  readonly mayPublish: (request: IncomingMessage) => boolean;
}

/** Torrents of one digest that a client may turn down: more do not fit into the directory. */
const refusedMax = 8;

/** Peers that are told with metainfo: enough to start with before the first announce. */
const peersMax = 50;

/** Answers `GET`, `HEAD` and `PUT /v1/metainfo/<digest>`. @throws {CodedError} */
export async function metainfoRoute(
  request: IncomingMessage,
  { url, deps }: { readonly url: URL; readonly deps: MetainfoRouteDeps },
): Promise<HttpAnswer> {
  const digest = parseDigest(decodeURIComponentStrictly(url.pathname.split("/")[3] ?? ""));
  switch (request.method) {
    case "GET":
    case "HEAD":
      return give(digest, request, { url, deps });
    case "PUT":
      return take(digest, request, deps);
    default:
      return errorAnswer("unimplemented", "Cannot do that: want GET, HEAD or PUT", 405);
  }
}

function give(
  digest: Digest,
  request: IncomingMessage,
  { url, deps }: { readonly url: URL; readonly deps: MetainfoRouteDeps },
): HttpAnswer {
  const { published, swarms } = deps;
  const metainfo = published.find(digest, refusedIn(url));
  if (!metainfo) return errorAnswer("not_found", `Cannot find metainfo of ${digest}`);
  const peers = swarms.addresses(metainfo.infoHash, peersMax);
  const body = encodeMetainfo(metainfo, { peers, announce: announceUrls(request) });
  return { status: 200, body, contentType: "application/x-bittorrent" };
}

/**
 * This tracker, by the name that the client has for it: with that, a stock client can join the
 * swarm, which is private. Only the client itself sees the name again.
 */
function announceUrls({ headers: { host } }: IncomingMessage): readonly string[] {
  return host !== undefined && URL.canParse(`http://${host}`) ? [`http://${host}/announce`] : [];
}

async function take(
  digest: Digest,
  request: IncomingMessage,
  { published, mayPublish }: MetainfoRouteDeps,
): Promise<HttpAnswer> {
  if (!mayPublish(request)) {
    return errorAnswer("unauthenticated", "Cannot publish: want the publish token");
  }
  const body = await readBody(request, metainfoLengthMax);
  if (!body) {
    const answer = errorAnswer("invalid_argument", "Cannot parse metainfo: too long", 413);
    return { ...answer, headers: { connection: "close" } };
  }
  const metainfo = parseMetainfo(body);
  if (metainfo.digest !== digest) {
    throw new MetainfoError(`Cannot publish metainfo: it is of ${metainfo.digest}`);
  }
  const isNew = await published.put(metainfo, request.socket.remoteAddress ?? "");
  const status = isNew ? 201 : 200;
  return { status, body: '{"ok":true}', contentType: "application/json" };
}

function refusedIn(url: URL): ReadonlySet<InfoHash> {
  const refused = url.searchParams.getAll("refused");
  if (refused.length > refusedMax) {
    throw new InvalidArgumentError(`Cannot refuse more than ${refusedMax} torrents`);
  }
  return new Set(refused.map(parseInfoHash));
}

function decodeURIComponentStrictly(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new InvalidArgumentError("Cannot decode the path", { cause });
  }
}
