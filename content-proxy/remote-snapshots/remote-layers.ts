import type { Cancellable } from "../../core/ports/cancellable.ts";
import type { Labels } from "../../core/ports/blob-store.ts";

/** A snapshot that containerd wants to unpack a layer into. */
export interface RemoteLayerRequest {
  /** Key of the active snapshot that containerd asks for. */
  readonly key: string;
  /** Name of the committed snapshot of the layer below; `undefined` for the lowest layer. */
  readonly parent?: string;
  /** With `containerd.io/snapshot.ref`, which holds the chainID of the layer. */
  readonly labels: Labels;
}

/** Has layers unpacked before containerd gets to fetch them. */
export interface RemoteLayers {
  /**
   * True when a committed snapshot with that parent and that label `containerd.io/snapshot.ref`
   * is there now: the answer to containerd is that it exists. False when containerd has to
   * do it by itself, for whatever reason; it does not throw but when the caller goes away.
   */
  provide(request: RemoteLayerRequest, options: Cancellable): Promise<boolean>;

  /**
   * Resolves when the files of a snapshot and of all below it can be relied on: at once, unless
   * they are unpacked again because the machine went down before they were on disk.
   */
  settled(snapshot: string, options: Cancellable): Promise<void>;
}
