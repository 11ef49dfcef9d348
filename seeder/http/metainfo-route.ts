import type { IncomingMessage } from "node:http";

import { BlobNotFoundError } from "../../core/errors.ts";
import { type HttpAnswer, errorAnswer } from "../../core/http/http-answer.ts";
import { encodeMetainfo } from "../../core/metainfo.ts";
import type { BlobReader } from "../../core/ports/blob-store.ts";
import type { KnownBlobs } from "../known-blobs.ts";
import { digestInPath } from "./digest-in-path.ts";
import { type OwnAddressDeps, ownPeer, ownWebSeeds } from "./own-address.ts";

/** What {@link metainfoRoute} works with. */
export interface MetainfoRouteDeps extends OwnAddressDeps {
  readonly store: Pick<BlobReader, "find" | "metainfo">;
  readonly known: Pick<KnownBlobs, "touch">;
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
  const body = encodeMetainfo(await deps.store.metainfo(digest), {
    peers: [ownPeer(request, deps)],
    webSeeds: ownWebSeeds(request, digest),
  });
  return { status: 200, body, contentType: "application/x-bittorrent" };
}
