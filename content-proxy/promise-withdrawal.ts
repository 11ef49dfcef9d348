import type { Digest } from "../core/digest.ts";
import { codeOf } from "../core/errors.ts";
import type { BlobReader } from "../core/ports/blob-store.ts";
import type { Logger } from "../core/ports/logger.ts";
import type { ContainerdClient } from "./rpc/containerd/containerd-client.ts";

/** What {@link PromiseWithdrawal} works with. */
export interface PromiseWithdrawalDeps {
  readonly store: Pick<BlobReader, "find">;
  readonly containerd: Pick<ContainerdClient, "namespaces" | "info" | "delete">;
  /** Ends the download of a blob, unless others than containerd want it, and waits for its end. */
  readonly stop: (digest: Digest) => Promise<void>;
  /** Forgets a blob here, unless it has come: then it stays containerd's. */
  readonly forget: (digest: Digest) => Promise<void>;
  readonly logger: Logger;
}

/**
 * Takes back promises that cannot be kept: has containerd forget the blob, so that its next
 * pull gets it from the registry, with the password that only containerd knows. Otherwise
 * it would believe to have the blob for as long as any image names it.
 */
export class PromiseWithdrawal implements AsyncDisposable {
  readonly #deps: PromiseWithdrawalDeps;
  readonly #stop = new AbortController();
  readonly #running = new Map<Digest, Promise<void>>();

  constructor(deps: PromiseWithdrawalDeps) {
    this.#deps = deps;
  }

  /**
   * Withdraws in the background; nothing happens if the blob has come after all. Not for a
   * handler that containerd waits for inside its database lock, where to wait for the
   * result would be a deadlock.
   */
  withdraw(digest: Digest): void {
    if (this.#running.has(digest) || this.#stop.signal.aborted) return;
    const running = this.#withdraw(digest).finally(() => this.#running.delete(digest));
    this.#running.set(digest, running);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#running.values());
  }

  /** Never rejects. The promise stands until containerd has forgotten it. */
  async #withdraw(digest: Digest): Promise<void> {
    const { stop, forget, logger } = this.#deps;
    const isBroken = () => this.#isOwned(digest) && !this.#isWhole(digest);
    try {
      await stop(digest);
      if (!isBroken()) return;
      await this.#tell(digest, { isDue: isBroken });
      // A read may have begun another download.
      await stop(digest);
      if (!isBroken()) return;
      await forget(digest);
      // A pull that came in between was told that the blob is here. Where it is containerd's
      // again, for it has come or was promised anew, that is true.
      await this.#tell(digest, { isDue: () => !this.#isOwned(digest) });
      if (!this.#isOwned(digest)) logger.warn("withdrew a promise that cannot be kept", { digest });
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      logger.error("cannot withdraw a promise", { digest, code: codeOf(error), error });
    }
  }

  /** Has the namespaces that know of the blob forget it, while that is right. */
  async #tell(digest: Digest, { isDue }: { readonly isDue: () => boolean }): Promise<void> {
    const { containerd } = this.#deps;
    const { signal } = this.#stop;
    for (const namespace of await containerd.namespaces({ signal })) {
      const known = await containerd.info(digest, { namespace, signal });
      if (known && isDue()) await containerd.delete(digest, { namespace, signal });
    }
  }

  #isOwned(digest: Digest): boolean {
    return this.#deps.store.find(digest)?.owned === true;
  }

  #isWhole(digest: Digest): boolean {
    return this.#deps.store.find(digest)?.whole === true;
  }
}
