import { type Digest, isDigest } from "../../core/digest.ts";
import type { PulledBlob } from "../blob-fetcher.ts";

/** What a ref tells of the blob that is pulled under it. */
export type PullRef = Pick<PulledBlob, "digest" | "kind">;

/**
 * `<namespace>/<n>/` comes from containerd's metadata store; the rest is the key that all
 * of its pulls make, in which a name stands before the digest if the descriptor has one.
 *
 * @see containerd core/metadata/buckets.go, core/remotes/handlers.go: MakeRefKey
 */
const pullRefPattern =
  /^[^/]+\/\d+\/(manifest|index|layer|config|attestation|unknown)-(?:.*@)?([a-z0-9]+:[0-9a-f]+)$/s;

/** Reads the ref of a pull; `undefined` when it is one of something else. */
export function parsePullRef(ref: string): PullRef | undefined {
  const [, kind, digest] = pullRefPattern.exec(ref) ?? [];
  if (kind === undefined || digest === undefined || !isDigest(digest)) return undefined;
  return { digest: digest satisfies Digest, kind: kind as PulledBlob["kind"] };
}
