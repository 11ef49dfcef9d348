import type { DirectoryEntry } from "../ports/directory.ts";
import type { DirectoryService } from "./directory-service.ts";

/** How long a race goes on. */
export interface LookupBounds {
  /** For services that are up, in milliseconds. */
  readonly timeoutMs: number;
  /**
   * For services that failed the last time, and for a second answer when the first one
   * names neither peers nor web seeds, in milliseconds.
   */
  readonly shortTimeoutMs: number;
}

/** Asks one service. */
export type Ask = (service: DirectoryService) => Promise<DirectoryEntry | undefined>;

/**
 * Asks all services at once and gives the first answer of a seeder, or the first that names
 * somebody to fetch from when no seeder that is up is still to answer.
 *
 * Other answers are kept for a moment, for another service may know more. A seeder has
 * checked the blob that it speaks of; anybody may have told a tracker. Who
 * failed the last time is asked, but not waited for. What is still under way at the end
 * is the caller's to abort.
 */
export async function raceLookups(
  services: readonly DirectoryService[],
  ask: Ask,
  bounds: LookupBounds,
): Promise<DirectoryEntry | undefined> {
  const timers: NodeJS.Timeout[] = [];
  try {
    return await new Promise((resolve, reject) => {
      const pending = new Set(services);
      const trusted = new Set(services.filter((service) => !service.failing));
      let held: DirectoryEntry | undefined;
      let hasWaited = false;

      const judge = (): void => {
        const isSeederAwaited = [...pending].some(
          (service) => service.kind === "seeder" && trusted.has(service),
        );
        if (held && isVouchedFor(held)) resolve(held);
        else if (held && hasSources(held) && !isSeederAwaited) resolve(held);
        const waitedFor = [...pending].filter((service) => trusted.has(service));
        if (pending.size === 0) resolve(held);
        else if (hasWaited && (held || waitedFor.length === 0)) resolve(held);
      };
      const giveUp = (): void => {
        for (const service of pending) service.gaveUp();
        resolve(held);
      };

      for (const service of services) {
        ask(service)
          .catch(() => undefined)
          .then((entry) => {
            pending.delete(service);
            if (entry && (!held || isBetter(entry, held))) held = entry;
            judge();
          })
          .catch(reject);
      }
      const wait = (): void => {
        hasWaited = true;
        judge();
      };
      timers.push(setTimeout(wait, bounds.shortTimeoutMs), setTimeout(giveUp, bounds.timeoutMs));
      judge();
    });
  } finally {
    timers.forEach(clearTimeout);
  }
}

/** Only seeders name web seeds. */
function isVouchedFor(entry: DirectoryEntry): boolean {
  return entry.webSeeds.length > 0;
}

function isBetter(entry: DirectoryEntry, than: DirectoryEntry): boolean {
  if (isVouchedFor(entry) !== isVouchedFor(than)) return isVouchedFor(entry);
  return hasSources(entry) && !hasSources(than);
}

function hasSources(entry: DirectoryEntry): boolean {
  return entry.peers.length > 0 || entry.webSeeds.length > 0;
}
