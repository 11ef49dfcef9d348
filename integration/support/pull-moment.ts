import type { ClusterNode } from "./cluster.ts";
import { pollUntil } from "./poll.ts";
import { folderNames } from "./snapshot-folders.ts";
import type { PushedImage } from "./test-cluster.ts";
import { receivedBytes } from "./traffic.ts";

/** How far a pull is. */
export type PullMoment =
  /** That part of the layers' bytes has come. */
  | { readonly received: number }
  /** So many layers are unpacked. */
  | { readonly unpacked: number }
  /** So many layers are snapshots that containerd was told of. */
  | { readonly committed: number };

/**
 * Starts a pull on a node that does nothing else, and resolves when it has come to a moment
 * with what it will have come to. The node has no snapshots yet.
 */
export async function pullUntil(
  moment: PullMoment,
  { image }: PushedImage,
  options: { readonly node: ClusterNode; readonly pull: () => Promise<unknown> },
): Promise<{ readonly outcome: Promise<"done" | "failed"> }> {
  const { proxy, snapshotsPath } = options.node;
  if (proxy === undefined) throw new Error("The node has no content proxy");
  const receivedBefore = receivedBytes(await proxy.status());
  const layers = image.manifests[0]?.layers ?? [];
  const digests = new Set<string>(layers.map(({ digest }) => digest));
  const size = layers.reduce((sum, layer) => sum + layer.size, 0);
  const hasCome = async () => {
    if ("committed" in moment) {
      const snapshots = (await folderNames(snapshotsPath)).filter((name) => /^\d+$/.test(name));
      return snapshots.length >= moment.committed;
    }
    const status = await proxy.status();
    const reports = status.layers?.filter(({ digest }) => digests.has(digest)) ?? [];
    if ("received" in moment) {
      const received = receivedBytes(status) - receivedBefore;
      return reports.length > 0 && received >= moment.received * size;
    }
    return reports.filter(({ state }) => state === "done").length >= moment.unpacked;
  };
  const outcome = options.pull().then(
    () => "done" as const,
    () => "failed" as const,
  );
  await pollUntil(hasCome, { what: `a pull to come to ${JSON.stringify(moment)}`, withinMs });
  return { outcome };
}

/** Long enough for a busy machine. */
const withinMs = 60_000;
