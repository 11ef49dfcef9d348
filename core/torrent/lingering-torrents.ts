import type { ServedTorrent } from "./served-torrent.ts";

/** Time that peers have to get the rest from us, however slow they are, in milliseconds. */
const lingerMaxMs = 5 * 60_000;

export interface LingeringTorrentsDeps {
  readonly now: () => number;
  /** Serves a torrent no longer. */
  readonly forget: (torrent: ServedTorrent) => void;
}

/**
 * Growing torrents that became whole and were let go of by their owners: peers in the midst of
 * them are served on, from files that are held open. Who comes later finds the ordinary torrent.
 */
export class LingeringTorrents implements Disposable {
  readonly #deps: LingeringTorrentsDeps;
  /** When each is forgotten at the latest, and from when on it is once nobody is connected. */
  readonly #bounds = new Map<
    ServedTorrent,
    { readonly idleAtMs: number; readonly endMs: number }
  >();

  constructor(deps: LingeringTorrentsDeps) {
    this.#deps = deps;
  }

  /** @param options `graceMs`: time in which peers may still come. */
  add(torrent: ServedTorrent, { graceMs }: { readonly graceMs: number }): void {
    const nowMs = this.#deps.now();
    this.#bounds.set(torrent, { idleAtMs: nowMs + graceMs, endMs: nowMs + lingerMaxMs });
    if (graceMs === 0) this.tick();
  }

  /** Forgets those whose time is over. */
  tick(): void {
    const nowMs = this.#deps.now();
    for (const [torrent, { idleAtMs, endMs }] of this.#bounds) {
      torrent.tick();
      const isIdle = torrent.listeners.size === 0 && nowMs >= idleAtMs;
      if (isIdle || nowMs >= endMs) this.#forget(torrent);
    }
  }

  [Symbol.dispose](): void {
    for (const torrent of this.#bounds.keys()) this.#forget(torrent);
  }

  #forget(torrent: ServedTorrent): void {
    this.#bounds.delete(torrent);
    this.#deps.forget(torrent);
  }
}
