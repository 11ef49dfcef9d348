import { createDeadline } from "../../core/async/deadline.ts";
import { KeyedLock } from "../../core/async/keyed-lock.ts";
import { type Digest, isDigest } from "../../core/digest.ts";
import { SnapshotExistsError, codeOf } from "../../core/errors.ts";
import type { BlobReader, Labels } from "../../core/ports/blob-store.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";
import type { LayerUnpacker } from "../../core/ports/layer-unpacker.ts";
import type { Logger } from "../../core/ports/logger.ts";
import type { SnapshotRecord, SnapshotStore } from "../../core/ports/snapshot-store.ts";
import type { Arrivals } from "../arrivals.ts";
import type { Provenance } from "../provenance/provenance.ts";
import { learnFromSnapshot } from "../provenance/snapshot-labels.ts";
import type { ImageIndex, LayerPlace } from "./image-index.ts";
import type { LayerJob, UnpackedDraft } from "./layer-job.ts";
import type { LayerJobs } from "./layer-jobs.ts";
import type { LayerRegistrar } from "./layer-registrar.ts";
import type { LayerRestoration } from "./layer-restoration.ts";
import type { ImageLayer } from "./layered-image.ts";
import { whileProgressing } from "./progress-watch.ts";
import { labelsOfLayer, manifestDigestLabel, snapshotRefLabel } from "./remote-layer-labels.ts";
import type { RemoteLayerRequest, RemoteLayers } from "./remote-layers.ts";

/**
 * Snapshots of one chainID on different parents: namespaces that unpacked a layer below by
 * themselves have parents of their own.
 */
const namesMax = 100;

/** How often a layer is unpacked that others took, for another parent, from under a question. */
const triesMax = 3;

/**
 * How long containerd waits for one layer at most, however it moves on: while it waits, its
 * garbage collection does, and behind that every new container.
 */
const prepareLimitMs = 15 * 60_000;

/**
 * How long the last answer of a pull waits for containerd to know of all layers. It takes some
 * ten milliseconds for each, most of which have passed by then.
 */
const registrationWaitMs = 1000;

/** What {@link SwarmRemoteLayers} works with. */
export interface SwarmRemoteLayersDeps {
  readonly index: Pick<ImageIndex, "find">;
  readonly jobs: LayerJobs;
  readonly snapshots: Pick<SnapshotStore, "records" | "layerPaths" | "isReplaceable">;
  readonly unpacker: Pick<LayerUnpacker, "inherit">;
  readonly store: Pick<BlobReader, "find">;
  readonly arrivals: Pick<Arrivals, "find">;
  /** Told what the labels say of where layers come from. */
  readonly provenance: Pick<Provenance, "learn">;
  readonly registrar: Pick<LayerRegistrar, "add" | "settled">;
  readonly restoration: Pick<LayerRestoration, "settled">;
  readonly logger: Logger;
  /** containerd unpacks a layer by itself when nothing has moved for so long. */
  readonly prepareTimeoutMs: number;
}

/** A layer that containerd asks for. */
interface Wanted extends LayerPlace {
  readonly parent: string | undefined;
  readonly labels: Labels;
}

/**
 * Has the layers of images unpacked from the bytes that arrive from the swarm.
 *
 * containerd asks for one layer after the other. At the first question for an image all of
 * its layers are started. Each becomes a snapshot only when containerd asks for it, because
 * containerd's garbage collection removes the snapshots that it does not know of.
 */
export class SwarmRemoteLayers implements RemoteLayers {
  readonly #deps: SwarmRemoteLayersDeps;
  readonly #lock = new KeyedLock<Digest>();

  constructor(deps: SwarmRemoteLayersDeps) {
    this.#deps = deps;
  }

  async provide(request: RemoteLayerRequest, { signal }: Cancellable): Promise<boolean> {
    const { key, parent, labels } = request;
    signal.throwIfAborted();
    learnFromSnapshot(labels, this.#deps.provenance);
    const { [snapshotRefLabel]: chainId = "", [manifestDigestLabel]: manifest = "" } = labels;
    if (!isDigest(chainId)) return false;
    try {
      const hint = isDigest(manifest) ? manifest : undefined;
      const place = await this.#deps.index.find(chainId, { manifest: hint, signal });
      if (!place || (place.index === 0) !== (parent === undefined)) return false;
      const isProvided = await this.#provide({ ...place, parent, labels }, signal);
      const namespace = /^([^/]+)\/\d+\//.exec(key)?.[1];
      if (isProvided && namespace !== undefined) await this.#register(place, namespace, signal);
      return isProvided;
    } catch (error) {
      signal.throwIfAborted();
      // Whatever is wrong here, containerd can fetch and unpack the layer itself.
      const code = codeOf(error);
      this.#deps.logger.warn("cannot unpack a layer ahead", { chainId, code, error });
      return false;
    }
  }

  async settled(snapshot: string, options: Cancellable): Promise<void> {
    await this.#deps.restoration.settled(snapshot, options);
  }

  /**
   * Has containerd know of the blob of a layer, in the background. Only the answer to the
   * highest layer, the last one of a pull, waits a little for all of them: who pushes or
   * exports an image right after its pull finds its layers.
   *
   * NOTE: Prepare is outside of containerd's database lock, so containerd can take a blob while
   * it waits for us.
   */
  async #register(
    { image, layer, index }: LayerPlace,
    namespace: string,
    signal: AbortSignal,
  ): Promise<void> {
    const { registrar } = this.#deps;
    registrar.add({ layer, manifest: image.manifest, namespace });
    if (index < image.layers.length - 1) return;
    const deadline = createDeadline(signal, registrationWaitMs);
    await registrar.settled(namespace, deadline).catch(() => undefined);
    deadline[Symbol.dispose]();
  }

  async #provide(wanted: Wanted, signal: AbortSignal): Promise<boolean> {
    const found = this.#find(wanted);
    if (found && !this.#isDamaged(found) && this.#hasBlob(wanted.layer)) return true;
    for (let attempt = 0; attempt < triesMax; attempt++) {
      const claim = this.#deps.jobs.want(wanted, { isThere: this.#snapshotTest() });
      try {
        const job = this.#deps.jobs.find(wanted.layer.chainId);
        if (!job || !(await this.#finished(job, signal))) return false;
        if (await this.#lock.run(wanted.layer.chainId, () => this.#commit(job, wanted)))
          return true;
      } finally {
        claim[Symbol.dispose]();
      }
    }
    return false;
  }

  /** Waits for a layer as long as it, or what it waits for, moves on. False when it is not to be had. */
  async #finished(job: LayerJob, signal: AbortSignal): Promise<boolean> {
    const { jobs, prepareTimeoutMs: timeoutMs } = this.#deps;
    jobs.hasten(job);
    const progress = () => (job.isWaiting ? jobs.activity : job.activity);
    const done = job.finished().then(
      () => "unpacked" as const,
      () => "failed" as const,
    );
    const limits = { timeoutMs, limitMs: prepareLimitMs };
    const outcome = await whileProgressing(done, { progress, ...limits, signal });
    if (outcome === undefined) jobs.giveUp(job);
    return outcome === "unpacked";
  }

  /** Makes an unpacked layer a snapshot; false when it went to somebody else. */
  async #commit(job: LayerJob, wanted: Wanted): Promise<boolean> {
    const result = job.take();
    this.#deps.jobs.forget(job);
    const found = this.#find(wanted);
    const isDamaged = found !== undefined && this.#isDamaged(found);
    if (!result) return found !== undefined && !isDamaged;
    try {
      if (isDamaged) await this.#renew(result, found);
      else if (!found) await this.#publish(result, wanted);
    } finally {
      await result.draft.discard();
    }
    return true;
  }

  async #publish({ draft, unpacked }: UnpackedDraft, wanted: Wanted): Promise<void> {
    const { snapshots, unpacker } = this.#deps;
    const { layer, parent, labels } = wanted;
    const { impliedDirectories, usage } = unpacked;
    const parents = parent === undefined ? [] : snapshots.layerPaths(parent);
    await unpacker.inherit({ path: draft.path, impliedDirectories }, parents);
    for (const name of namesFor(layer.chainId)) {
      try {
        await draft.commit({
          ...{ name, labels: { ...labels, ...labelsOfLayer(layer) }, usage },
          ...(parent !== undefined && { parent }),
        });
        return;
      } catch (error) {
        if (!(error instanceof SnapshotExistsError)) throw error;
      }
    }
    throw new SnapshotExistsError(layer.chainId);
  }

  /** Gives the files of an unpacked layer to the snapshot that may have lost its own. */
  async #renew({ draft, unpacked }: UnpackedDraft, { name }: SnapshotRecord): Promise<void> {
    const { snapshots, unpacker } = this.#deps;
    const { impliedDirectories, usage } = unpacked;
    const [, ...parents] = snapshots.layerPaths(name);
    await unpacker.inherit({ path: draft.path, impliedDirectories }, parents);
    await draft.replace(name, { usage });
  }

  /** Whether a snapshot may have lost files in a crash, and nothing that is mounted has them. */
  #isDamaged({ name }: SnapshotRecord): boolean {
    return this.#deps.snapshots.isReplaceable(name);
  }

  /** What containerd looks for when it is told that a layer exists. */
  #find({ layer, parent }: Wanted): SnapshotRecord | undefined {
    for (const record of this.#deps.snapshots.records()) {
      const isLayer = record.labels[snapshotRefLabel] === layer.chainId;
      if (isLayer && record.kind === "committed" && record.parent === parent) return record;
    }
    return undefined;
  }

  /** Whether a blob can be given to a namespace that has only the snapshot: to push, to export. */
  #hasBlob({ descriptor: { digest } }: ImageLayer): boolean {
    const { store, arrivals } = this.#deps;
    return store.find(digest)?.whole === true || arrivals.find(digest)?.ended === false;
  }

  /** Tells which layers have a snapshot now, on whatever parent; made for many questions. */
  #snapshotTest(): (layer: ImageLayer) => boolean {
    let refs: Set<string | undefined> | undefined;
    return ({ chainId }) => {
      refs ??= new Set(
        [...this.#deps.snapshots.records()]
          .filter(({ kind }) => kind === "committed")
          .map(({ labels }) => labels[snapshotRefLabel]),
      );
      return refs.has(chainId);
    };
  }
}

/** The chainID itself, unless another snapshot of the layer has that name. */
function* namesFor(chainId: Digest): Generator<string, void> {
  yield chainId;
  for (let index = 2; index <= namesMax; index++) yield `${chainId}-${index}`;
}
