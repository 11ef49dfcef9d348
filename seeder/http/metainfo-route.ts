import type { IncomingMessage } from "node:http";

import { BlobNotFoundError } from "../../core/errors.ts";
import { type HttpAnswer, errorAnswer } from "../../core/http/http-answer.ts";
import { encodeMetainfo } from "../../core/metainfo.ts";
import type { BlobReader } from "../../core/ports/blob-store.ts";
import type { KnownBlobs } from "../known-blobs.ts";
import { digestInPath } from "./digest-in-path.ts";

/** What {@link metainfoRoute} works with. */
export interface MetainfoRouteDeps {
  readonly store: Pick<BlobReader, "find" | "metainfo">;
  readonly known: Pick<KnownBlobs, "touch">;
  /** Port on which peers reach us. */
  readonly swarmPort: number;
  /** Host that peers are told; `undefined`: the address that the request came to. */
  readonly advertiseHost: string | undefined;
}

/**
 * Answers `GET /v1/metainfo/<digest>` for the blobs that are here. One that left the disk
 * is not fetched for it: a node that pulls is better off with other sources at once.
 *
 * @throws {CodedError}
 */
export async function metainfoRoute(
  request: IncomingMessage,
  { url, deps }: { readonly url: URL; readonly deps: MetainfoRouteDeps },
): Promise<HttpAnswer> {
  if (request.method !== "GET" && request.method !== "HEAD") {
    return errorAnswer("unimplemented", "Cannot do that: want GET", 405);
  }
  const digest = digestInPath(url.pathname.slice("/v1/metainfo/".length));
  deps.known.touch(digest);
  const record = deps.store.find(digest);
  if (!record?.whole || record.infoHash === undefined) throw new BlobNotFoundError(digest);
  // Only one torrent can be right for a blob that was checked: who refuses it gets none.
  if (url.searchParams.getAll("refused").includes(record.infoHash)) {
    throw new BlobNotFoundError(digest);
  }
  const { host } = request.headers;
  const body = encodeMetainfo(await deps.store.metainfo(digest), {
    peers: [{ host: deps.advertiseHost ?? localAddress(request), port: deps.swarmPort }],
    webSeeds: host === undefined ? [] : [`http://${host}/v1/blobs/${digest}`],
  });
  return { status: 200, body, contentType: "application/x-bittorrent" };
}

/** The address that this request came to; IPv4 without its IPv6 clothes. */
function localAddress(request: IncomingMessage): string {
  return (request.socket.localAddress ?? "127.0.0.1").replace(/^::ffff:/, "");
}
