import type { Containerd } from "../../integration/support/containerd.ts";

/** Has a containerd fetch an image into its content store, and unpack nothing of it. */
export async function fetchContent(containerd: Containerd, reference: string): Promise<void> {
  await containerd.ctr(["content", "fetch", "--hosts-dir", containerd.hostsPath, reference]);
}
