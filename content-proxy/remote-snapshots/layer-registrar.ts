import { pause } from "../../core/async/pause.ts";
import { codeOf } from "../../core/errors.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";
import { NamespaceRegistration, type NamespaceRegistrationDeps } from "./namespace-registration.ts";
import type { UnregisteredLayer } from "./unregistered-layers.ts";

/** What {@link LayerRegistrar} works with. */
export interface LayerRegistrarDeps extends NamespaceRegistrationDeps {
  /** Finds what was left out before the last end of this program. */
  readonly unregistered: (options: Cancellable) => AsyncIterable<UnregisteredLayer>;
}

/**
 * Has containerd know of the blobs of layers that it did not fetch, so that images can be
 * pushed and exported.
 *
 * A lease keeps the blobs of a pull from containerd's garbage collection while it goes on. Then
 * the image does, or the lease of the pull: they hold the manifest, whose labels name the layers
 * since before the first question for a snapshot. A blob that nobody names any more goes.
 *
 * @see containerd core/images/handlers.go: SetChildrenMappedLabels
 */
export class LayerRegistrar implements AsyncDisposable {
  readonly #deps: LayerRegistrarDeps;
  readonly #stop = new AbortController();
  readonly #namespaces = new Map<string, NamespaceRegistration>();
  #resuming: Promise<void> = Promise.resolve();

  constructor(deps: LayerRegistrarDeps) {
    this.#deps = deps;
  }

  /** Registers a layer, once its blob is here whole. */
  add(unregistered: UnregisteredLayer): void {
    const { namespace } = unregistered;
    if (this.#stop.signal.aborted || this.#namespaces.get(namespace)?.add(unregistered)) return;
    this.#start(namespace).add(unregistered);
  }

  /** Goes on with what was left undone before the last end of this program. */
  resume(): void {
    this.#resuming = this.#resume();
  }

  /** Resolves when all is registered that was added of a namespace, or containerd does not answer. */
  async settled(namespace: string, options: Cancellable): Promise<void> {
    await this.#namespaces.get(namespace)?.settled(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new DOMException("The registrar was stopped", "AbortError"));
    await this.#resuming;
    await Promise.all([...this.#namespaces.values()].map(({ done }) => done));
  }

  #start(namespace: string): NamespaceRegistration {
    const { signal } = this.#stop;
    const after = this.#namespaces.get(namespace)?.done;
    const registration = new NamespaceRegistration(this.#deps, { namespace, after, signal });
    this.#namespaces.set(namespace, registration);
    void registration.done.then(() => {
      if (this.#namespaces.get(namespace) === registration) this.#namespaces.delete(namespace);
    });
    return registration;
  }

  /** Never rejects. */
  async #resume(): Promise<void> {
    const { metadata, unregistered, pauseMs, logger } = this.#deps;
    const { signal } = this.#stop;
    for (let failures = 1; !signal.aborted; failures++) {
      try {
        for (const namespace of await metadata.namespaces({ signal })) {
          // Each ends the lease that may be left, even if there is nothing to register.
          if (!this.#namespaces.has(namespace)) this.#start(namespace);
        }
        for await (const found of unregistered({ signal })) this.add(found);
        return;
      } catch (error) {
        const code = codeOf(error);
        if (failures === 1) logger.warn("cannot look for layers to register", { code, error });
        await pause(pauseMs(failures), signal).catch(() => undefined);
      }
    }
  }
}
