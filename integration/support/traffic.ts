import type { ServiceStatus } from "../../core/service-status.ts";
import { pollUntil } from "./poll.ts";
import type { ShoalDaemon } from "./shoal-daemon.ts";

/** Bytes that a content proxy got from anyone but containerd since its start. */
export function receivedBytes({ traffic }: ServiceStatus): number {
  const { peers = 0, seeders = 0, webSeeds = 0 } = traffic?.received ?? {};
  return peers + seeders + webSeeds;
}

/** Resolves when that many bytes more than now have come to a content proxy. */
export async function untilReceived(
  proxy: ShoalDaemon,
  bytes: number,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<void> {
  const end = receivedBytes(await proxy.status()) + bytes;
  await pollUntil(async () => receivedBytes(await proxy.status()) >= end, {
    ...{ what: "a pull under way", withinMs, signal },
  });
}

/** Resolves when containerd was promised a layer that is still arriving. */
export async function untilPromised(proxy: ShoalDaemon): Promise<void> {
  const ownedBefore = (await proxy.status()).blobs?.owned ?? 0;
  await pollUntil(
    async () => {
      const { blobs } = await proxy.status();
      // Index, manifest and config are whole when they are owned; the next is a layer.
      return (blobs?.owned ?? 0) > ownedBefore + 3 && (blobs?.arriving ?? 0) > 0;
    },
    { what: "a promise", withinMs },
  );
}

/** Long enough for a busy machine. */
const withinMs = 60_000;
