import { SnapshotExistsError } from "../../../core/errors.ts";
import type { Cancellable } from "../../../core/ports/cancellable.ts";
import type { Logger } from "../../../core/ports/logger.ts";
import type { SnapshotStore } from "../../../core/ports/snapshot-store.ts";
import { snapshotRefLabel } from "../../remote-snapshots/remote-layer-labels.ts";
import type { RemoteLayerRequest, RemoteLayers } from "../../remote-snapshots/remote-layers.ts";
import type { UnaryHandler } from "../handler.ts";
import { parseLabels } from "../labels.ts";
import type { PrepareRequest, PrepareResponse } from "./messages.ts";
import { mountMessageOf } from "./snapshot-message.ts";
import { parseParent, parseSnapshotName } from "./snapshot-name.ts";

/** What {@link prepareHandler} works with. */
export interface PrepareDeps {
  readonly store: Pick<SnapshotStore, "prepare">;
  readonly remoteLayers: RemoteLayers;
  readonly logger: Logger;
}

/**
 * Answers containerd.services.snapshots.v1.Snapshots/Prepare. That the snapshot exists is
 * the answer to a layer that is unpacked already: containerd then neither fetches nor
 * unpacks it.
 *
 * @throws {SnapshotExistsError} {SnapshotNotFoundError} {InvalidArgumentError}
 */
export function prepareHandler(deps: PrepareDeps): UnaryHandler<PrepareRequest, PrepareResponse> {
  return async (request, options) => {
    const key = parseSnapshotName(request.key);
    const snapshot = { ...parseParent(request.parent), labels: parseLabels(request.labels) };
    if (snapshot.parent !== undefined) await deps.remoteLayers.settled(snapshot.parent, options);
    if (Object.hasOwn(snapshot.labels, snapshotRefLabel)) {
      if (await isProvided({ key, ...snapshot }, deps, options)) throw new SnapshotExistsError(key);
    }
    const mounts = await deps.store.prepare(key, snapshot);
    return { mounts: mounts.map(mountMessageOf) };
  };
}

/** Whatever goes wrong with a remote layer, containerd can unpack it by itself. */
async function isProvided(
  layer: RemoteLayerRequest,
  { remoteLayers, logger }: PrepareDeps,
  { signal }: Cancellable,
): Promise<boolean> {
  try {
    return await remoteLayers.provide(layer, { signal });
  } catch (error) {
    signal.throwIfAborted();
    logger.error("cannot provide a remote layer", { snapshot: layer.key, error });
    return false;
  }
}
