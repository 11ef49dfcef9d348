import { parseContainerdConfig } from "./containerd-config.ts";
import { snapshotterId } from "./snapshotter-change.ts";

/** The other half of the change, in a file that we do not write. */
const comes =
  "The content proxy has to serve snapshots before that: snapshots.enabled in its configuration.\n";

/** containerd says that it removes such a container, and keeps it with its snapshots. */
const goes =
  `Remove the containers that were made with "${snapshotterId}" before that: containerd cannot ` +
  "once it has no such snapshotter.\n";

/** What else has to be done when our snapshotter comes into a configuration, or goes. */
export function snapshotterHint(before: string, after: string): string {
  if (hasSnapshotter(before) === hasSnapshotter(after)) return "";
  return hasSnapshotter(after) ? comes : goes;
}

function hasSnapshotter(text: string): boolean {
  return parseContainerdConfig(text).proxyPlugins.some(({ id }) => id === snapshotterId);
}
