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

/** Looks for the line that we write, so that it works for a file that is no TOML any more, too. */
function hasSnapshotter(text: string): boolean {
  return text.split(/\r?\n/).includes(`[proxy_plugins.${snapshotterId}]`);
}
