import type { Digest } from "../../core/digest.ts";
import { pollUntil } from "../../integration/support/poll.ts";
import type { ProxyStand } from "./proxy-stand.ts";

/** How long the directory, or a tracker, may take until it tells of a new peer. */
const foundWithinMs = 30_000;

/** A blob that a swarm has and containerd wants. */
export interface PulledBlob {
  readonly digest: Digest;
  readonly size: number;
}

/** Has the proxy get a blob as a pull of containerd does; resolves when it is promised. */
export async function pullBlob(
  { digest, size }: PulledBlob,
  { client }: ProxyStand,
  { signal }: { readonly signal: AbortSignal },
): Promise<void> {
  const promised = async () => {
    const writer = client.openWrite(`default/1/layer-${digest}`, size);
    try {
      await writer.stat();
      if ((await writer.stat()) < size) return false;
      await writer.commit(digest);
      return true;
    } finally {
      await writer.end();
    }
  };
  await pollUntil(promised, {
    what: "the swarm to have the blob",
    withinMs: foundWithinMs,
    signal,
  });
}

/** Whether all bytes of what was promised are here. */
export async function isWhole({ proxy }: ProxyStand): Promise<boolean> {
  const { blobs } = await proxy.status();
  return blobs?.arriving === 0;
}
