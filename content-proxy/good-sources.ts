import { abortable, createDeadline } from "../core/async/deadline.ts";
import type { Notifier } from "../core/async/notifier.ts";
import { isGrowing } from "../core/growing-torrent.ts";
import type { Cancellable } from "../core/ports/cancellable.ts";
import type { Download } from "../core/ports/swarm.ts";
import type { ChosenTorrent } from "./torrent-choice.ts";

/** How long a download may take to tell whether it has sources: it knows, or it has none. */
const sourceTimeoutMs = 100;

/** Whether sources that have all of a blob are connected now; false when that is not known soon. */
export async function hasGoodSourceNow(
  download: Pick<Download, "hasGoodSource">,
  { signal }: Cancellable,
): Promise<boolean> {
  const deadline = createDeadline(signal, sourceTimeoutMs);
  try {
    return await abortable(download.hasGoodSource(deadline), deadline.signal);
  } catch {
    return false;
  } finally {
    deadline[Symbol.dispose]();
  }
}

/**
 * Waits until sources that have all of a blob are connected, or something has changed: true in
 * the first case. Without a download it waits for the change.
 */
export async function goodSourceOrChange(
  download: Pick<Download, "hasGoodSource"> | undefined,
  changes: Notifier,
  { signal }: Cancellable,
): Promise<boolean> {
  const waiting = createDeadline(signal);
  try {
    const changed = changes.changed(waiting.signal);
    const good = download?.hasGoodSource(waiting).catch(() => false);
    if (good && (await Promise.race([good, changed.then(() => false)]))) return true;
    await changed;
    return false;
  } finally {
    waiting.abort();
    waiting[Symbol.dispose]();
  }
}

/**
 * Whether a torrent is good enough for somebody to be given what comes by it at once.
 *
 * @param options `trustPeers`: also one that nobody of this cluster vouches for; `fromWhole`: not
 *   one of a blob that its seeder still receives, whose digest was checked by nobody.
 */
export function isTrusted(
  { torrent, isVouchedFor }: ChosenTorrent,
  { trustPeers, fromWhole }: { readonly trustPeers: boolean; readonly fromWhole: boolean },
): boolean {
  if (fromWhole && isGrowing(torrent)) return false;
  return isVouchedFor || trustPeers;
}
