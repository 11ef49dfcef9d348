import { LRUCache } from "lru-cache";

import { abortable, createDeadline } from "../core/async/deadline.ts";
import { pause } from "../core/async/pause.ts";
import { SingleFlight } from "../core/async/single-flight.ts";
import type { Digest } from "../core/digest.ts";
import type { Labels } from "../core/ports/blob-store.ts";
import type { Cancellable } from "../core/ports/cancellable.ts";
import type { Repository } from "../core/ports/origin.ts";
import type { Provenance } from "./provenance/provenance.ts";
import {
  type Source,
  repositoriesAt,
  repositoryOfImage,
  sourcesIn,
} from "./provenance/source-labels.ts";
import type { ContainerdClient } from "./rpc/containerd/containerd-client.ts";

/** Label with which a manifest names a blob, so that it is not garbage; what it is follows. */
const referencePrefix = "containerd.io/gc.ref.content";

/** Repositories of one blob that are told: a base image's layer may be in hundreds. */
const repositoriesMax = 8;

/**
 * Pauses before containerd is asked again for the label of a manifest, which it writes some
 * milliseconds after the manifest itself and before it asks for what the manifest names.
 */
const labelPausesMs = [5, 10, 20, 40, 80, 160] as const;

/** How long all of that may take. */
const labelTimeoutMs = 500;

/** How long is remembered that a manifest has no label, as one of an import has none. */
const unlabelledTtlMs = 10_000;

/** How long the hosts in the names of images are remembered: to list them takes its time. */
const hostsTtlMs = 30_000;

/** What {@link BlobRepositories} works with. */
export interface BlobRepositoriesDeps {
  readonly containerd: Pick<ContainerdClient, "namespaces" | "info" | "list" | "images">;
  readonly provenance: Provenance;
  /** Hosts of registries, with their ports: containerd notes names alone. */
  readonly hosts: readonly string[];
}

/**
 * Knows where blobs were pulled from: what was learnt of them, and what containerd knows, which
 * its content store does not tell us by itself.
 */
export class BlobRepositories implements AsyncDisposable {
  readonly #deps: BlobRepositoriesDeps;
  readonly #stop = new AbortController();
  readonly #questions = new SingleFlight<string, void>();
  readonly #running = new Set<Promise<void>>();
  readonly #unlabelled = new LRUCache<string, true>({ max: 1000, ttl: unlabelledTtlMs });
  readonly #imageHosts = new LRUCache<"hosts", readonly string[]>({ max: 1, ttl: hostsTtlMs });

  constructor(deps: BlobRepositoriesDeps) {
    this.#deps = deps;
  }

  /**
   * The repositories that a blob is likely to be in, the likeliest first, from memory; what is
   * missing there containerd is asked for, within half a second. Empty when nobody knows any.
   *
   * NOTE: not inside a handler that containerd waits for in its database lock, where the
   * label that is waited for cannot be written.
   */
  async recall(digest: Digest, { signal }: Cancellable): Promise<readonly Repository[]> {
    const { provenance } = this.#deps;
    const ancestors = provenance.ancestorsOf(digest);
    const known = provenance.find(digest)?.repositories ?? [];
    if (known.length > 0 || ancestors.length === 0 || this.#stop.signal.aborted) return known;
    const asking = this.#questions.run(ancestors.join(), () => this.#ask(ancestors));
    await abortable(asking, signal);
    return provenance.find(digest)?.repositories ?? [];
  }

  /**
   * The repositories that a blob was named in or pulled from or, when containerd has not noted
   * them yet, those of the manifests that name it; empty when it came another way.
   *
   * @throws {UnavailableError} when containerd does not answer and nothing was learnt.
   */
  async find(digest: Digest, { signal }: Cancellable): Promise<readonly Repository[]> {
    const known = this.#deps.provenance.find(digest)?.repositories ?? [];
    try {
      const found = await this.#inContainerd(digest, { signal });
      return distinct([...known, ...found]).slice(0, repositoriesMax);
    } catch (error) {
      signal.throwIfAborted();
      if (known.length === 0) throw error;
      return known;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#running);
  }

  async #ask(ancestors: readonly Digest[]): Promise<void> {
    const asking = this.#askForLabels(ancestors).finally(() => this.#running.delete(asking));
    this.#running.add(asking);
    await asking;
  }

  /** Learns where these manifests come from. Never rejects. */
  async #askForLabels(manifests: readonly Digest[]): Promise<void> {
    const key = manifests.join();
    const deadline = createDeadline(this.#stop.signal, labelTimeoutMs);
    try {
      for (const pauseMs of this.#unlabelled.has(key) ? [0] : labelPausesMs) {
        if (await this.#learnFromLabels(manifests, deadline)) return;
        await pause(pauseMs, deadline.signal);
      }
      this.#unlabelled.set(key, true);
    } catch {
      // containerd does not answer: the blob is asked for without.
      this.#unlabelled.set(key, true);
    } finally {
      deadline[Symbol.dispose]();
    }
  }

  /** Whether containerd knows where one of these blobs comes from. */
  async #learnFromLabels(digests: readonly Digest[], { signal }: Cancellable): Promise<boolean> {
    const { containerd, provenance } = this.#deps;
    let isKnown = false;
    for (const namespace of await containerd.namespaces({ signal })) {
      for (const digest of digests) {
        const info = await containerd.info(digest, { namespace, signal });
        const sources = sourcesIn(info?.labels ?? {}).slice(0, repositoriesMax);
        if (sources.length === 0) continue;
        const hosts = await this.#hosts({ signal });
        const repositories = sources.flatMap((source) => repositoriesAt(source, hosts));
        for (const repository of repositories) provenance.learn(repository, { digest });
        isKnown = true;
      }
    }
    return isKnown;
  }

  async #hosts({ signal }: Cancellable): Promise<ReadonlySet<string>> {
    let hosts = this.#imageHosts.get("hosts");
    if (!hosts) {
      const { containerd } = this.#deps;
      const names: string[] = [];
      for (const namespace of await containerd.namespaces({ signal })) {
        for (const { name } of await containerd.images({ namespace, signal })) names.push(name);
      }
      hosts = [...new Set(names.flatMap((name) => repositoryOfImage(name)?.registry ?? []))];
      this.#imageHosts.set("hosts", hosts);
    }
    return new Set([...this.#deps.hosts, ...hosts]);
  }

  async #inContainerd(digest: Digest, { signal }: Cancellable): Promise<readonly Repository[]> {
    const { containerd, provenance } = this.#deps;
    const namespaces = await containerd.namespaces({ signal });
    const own: Source[] = [];
    for (const namespace of namespaces) {
      const info = await containerd.info(digest, { namespace, signal });
      if (info) own.push(...sourcesIn(info.labels));
    }
    const sources = own.length > 0 ? own : await this.#ofParents(digest, namespaces, { signal });
    const hosts = new Set(this.#deps.hosts);
    const named: Repository[] = [];
    const relevant = new Set([digest, ...provenance.ancestorsOf(digest)]);
    for (const namespace of namespaces) {
      for (const { name, target } of await containerd.images({ namespace, signal })) {
        const repository = repositoryOfImage(name);
        if (!repository) continue;
        hosts.add(repository.registry);
        if (target !== undefined && relevant.has(target)) named.push(repository);
      }
    }
    return [...sources.flatMap((source) => repositoriesAt(source, hosts)), ...named];
  }

  async #ofParents(
    digest: Digest,
    namespaces: readonly string[],
    { signal }: Cancellable,
  ): Promise<Source[]> {
    const found: Source[] = [];
    for (const namespace of namespaces) {
      for await (const { labels } of this.#deps.containerd.list({ namespace, signal })) {
        if (isReferred(digest, labels)) found.push(...sourcesIn(labels));
      }
    }
    return found;
  }
}

function isReferred(digest: Digest, labels: Labels): boolean {
  return Object.entries(labels).some(
    ([key, value]) => key.startsWith(referencePrefix) && value === digest,
  );
}

function distinct(repositories: readonly Repository[]): Repository[] {
  const byName = repositories.map((one) => [`${one.registry}/${one.repository}`, one] as const);
  return [...new Map(byName).values()];
}
