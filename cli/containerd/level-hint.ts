import { proxyPluginId } from "./enable-lines.ts";
import { snapshotterId } from "./snapshotter-change.ts";

/** The other half of the change, in a file that we do not write. */
const snapshotterComes =
  "The content proxy has to serve snapshots before that: snapshots.enabled in its configuration.\n";

/** containerd says that it removes such a container, and keeps it with its snapshots. */
const snapshotterGoes =
  `Remove the containers that were made with "${snapshotterId}" before that: containerd cannot ` +
  "once it has no such snapshotter.\n";

const mirrorComes =
  "The content proxy has to serve the mirror for it: mirror.enabled in its configuration.\n";

/** Two programs that keep the same folder would remove each other's blobs. */
const storesPart =
  "containerd keeps its blobs itself: give the content proxy a store of its own before you start " +
  "it (store.root in its configuration, for example /var/lib/shoal/content).\n";

/**
 * What else has to be done when a part of us comes into a configuration, or goes.
 *
 * @param options `isMirrorNew`: whether the mirror is asked from now on.
 */
export function levelHint(
  before: string,
  after: string,
  { isMirrorNew }: { readonly isMirrorNew: boolean },
): string {
  const hints: string[] = [];
  if (hasSnapshotter(before) !== hasSnapshotter(after)) {
    hints.push(hasSnapshotter(after) ? snapshotterComes : snapshotterGoes);
  }
  if (isMirrorNew) hints.push(mirrorComes);
  if (isMirrorNew && !hasContent(after)) hints.push(storesPart);
  return hints.join("");
}

function hasSnapshotter(text: string): boolean {
  return hasProxyPlugin(text, snapshotterId);
}

function hasContent(text: string): boolean {
  return hasProxyPlugin(text, proxyPluginId);
}

/** Looks for the line that we write, so that it works for a file that is no TOML any more, too. */
function hasProxyPlugin(text: string, id: string): boolean {
  return text.split(/\r?\n/).includes(`[proxy_plugins.${id}]`);
}
