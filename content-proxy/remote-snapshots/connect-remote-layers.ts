import type { DisposeStack } from "../../core/async/dispose-stack.ts";
import { retryPauseMs } from "../../core/async/retry-pause.ts";
import type { BlobReader } from "../../core/ports/blob-store.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { LayerUnpacker } from "../../core/ports/layer-unpacker.ts";
import type { Logger } from "../../core/ports/logger.ts";
import type { SnapshotStore } from "../../core/ports/snapshot-store.ts";
import type { Arrivals } from "../arrivals.ts";
import type { Provenance } from "../provenance/provenance.ts";
import type { RecentBlobs } from "../recent-blobs.ts";
import type { ContainerdMetadata } from "./containerd-metadata.ts";
import { ImageIndex } from "./image-index.ts";
import { LayerJobs } from "./layer-jobs.ts";
import { LayerRegistrar } from "./layer-registrar.ts";
import { LayerRestoration } from "./layer-restoration.ts";
import { SwarmRemoteLayers } from "./swarm-remote-layers.ts";
import { unregisteredLayers } from "./unregistered-layers.ts";

/** What {@link connectRemoteLayers} puts together. */
export interface RemoteLayersDeps {
  readonly store: BlobReader;
  readonly arrivals: Arrivals;
  readonly recent: RecentBlobs;
  readonly provenance: Provenance;
  readonly snapshots: SnapshotStore;
  readonly unpacker: LayerUnpacker;
  readonly metadata: ContainerdMetadata;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly prepareTimeoutMs: number;
  /** Takes over what must be disposed of. */
  readonly started: DisposeStack;
}

/** The parts that unpack layers ahead of containerd, at work. */
export interface ConnectedRemoteLayers {
  readonly remoteLayers: SwarmRemoteLayers;
  readonly jobs: LayerJobs;
}

/** Joins the parts that unpack layers ahead of containerd, and begins with what was left undone. */
export function connectRemoteLayers(deps: RemoteLayersDeps): ConnectedRemoteLayers {
  const { store, arrivals, recent, snapshots, unpacker, metadata, clock, logger, started } = deps;
  const pauseMs = (failures: number) => retryPauseMs(failures, Math.random);
  const bytes = { store, arrivals, recent };
  const index = started.use(new ImageIndex({ store, logger }));
  const jobs = started.use(new LayerJobs({ bytes, unpacker, snapshots, clock, logger }));
  const registrar = started.use(
    new LayerRegistrar({
      ...{ metadata, arrivals, clock, logger, pauseMs },
      unregistered: (options) => unregisteredLayers({ metadata, snapshots, store }, options),
    }),
  );
  const restoration = started.use(
    new LayerRestoration({ snapshots, unpacker, bytes, index, logger, pauseMs }),
  );
  const remoteLayers = new SwarmRemoteLayers({
    ...{ index, jobs, snapshots, unpacker, store, arrivals, registrar, restoration, logger },
    provenance: deps.provenance,
    prepareTimeoutMs: deps.prepareTimeoutMs,
  });
  restoration.start();
  registrar.resume();
  return { remoteLayers, jobs };
}
