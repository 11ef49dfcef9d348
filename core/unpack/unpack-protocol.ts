import type { Digest } from "../digest.ts";
import {
  DataLossError,
  DigestMismatchError,
  LayerFormatError,
  StorageFullError,
} from "../errors.ts";
import type { UnpackProgress, UnpackedLayer } from "../ports/layer-unpacker.ts";
import type { LayerLimits } from "./layer-limits.ts";

/** What a thread that unpacks is started with. */
export interface UnpackSettings {
  readonly limits: LayerLimits;
}

/** What its thread is given beside that. */
export interface UnpackThreadData extends UnpackSettings {
  /** Where it keeps account of the descriptors that it has open. */
  readonly openDescriptors: SharedArrayBuffer;
}

/** A layer as its thread needs it. */
export interface LayerJob {
  readonly fd: number;
  readonly size: number;
  readonly diffId: Digest;
  readonly into: string;
  readonly isLowest: boolean;
}

/** What a thread that unpacks is told. Work has a number, for a layer may be tried again. */
export type UnpackCommand =
  | { readonly type: "unpack"; readonly id: number; readonly job: LayerJob }
  /** Bytes of the layer up to `end` can be read. */
  | { readonly type: "advance"; readonly id: number; readonly end: number }
  | { readonly type: "stop"; readonly id: number }
  | {
      readonly type: "inherit";
      readonly id: number;
      readonly path: string;
      readonly impliedDirectories: readonly string[];
      readonly parents: readonly string[];
    };

/** What a thread that unpacks tells. */
export type UnpackEvent =
  | { readonly type: "progress"; readonly id: number; readonly progress: UnpackProgress }
  | { readonly type: "unpacked"; readonly id: number; readonly layer: UnpackedLayer }
  | { readonly type: "inherited"; readonly id: number }
  /** The end of that work: none of its files is used any more. */
  | { readonly type: "failed"; readonly id: number; readonly failure: Failure }
  /** There is nothing to do, after so many commands: a layer more would be taken at once. */
  | { readonly type: "hungry"; readonly commandsSeen: number };

/** An error on its way between threads, which copy no classes. */
export type Failure =
  | {
      readonly kind: "layerFormat" | "storageFull" | "dataLoss";
      readonly message: string;
    }
  | { readonly kind: "internal"; readonly message: string; readonly stack: string | undefined }
  | { readonly kind: "digestMismatch"; readonly expected: Digest; readonly actual: Digest };

/** An error as it goes to the other thread. */
export function failureFrom(error: unknown): Failure {
  if (error instanceof DigestMismatchError) {
    return { kind: "digestMismatch", expected: error.expected, actual: error.actual };
  }
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof LayerFormatError) return { kind: "layerFormat", message };
  if (error instanceof StorageFullError) return { kind: "storageFull", message };
  if (error instanceof DataLossError) return { kind: "dataLoss", message };
  return { kind: "internal", message, stack: error instanceof Error ? error.stack : undefined };
}

/** The error that came from the other thread. */
export function errorFrom(failure: Failure): Error {
  switch (failure.kind) {
    case "digestMismatch":
      return new DigestMismatchError(failure.expected, failure.actual);
    case "layerFormat":
      return new LayerFormatError(failure.message);
    case "storageFull":
      return new StorageFullError(failure.message);
    case "dataLoss":
      return new DataLossError(failure.message);
    case "internal":
      return new Error(failure.message, { cause: failure.stack });
  }
}
