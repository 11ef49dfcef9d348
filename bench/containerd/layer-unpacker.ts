import assert from "node:assert/strict";
import { join } from "node:path";

import { Client, credentials, Metadata } from "@grpc/grpc-js";
import protobuf from "protobufjs";

import type { Descriptor } from "../../core/descriptor.ts";
import type { Containerd } from "../../integration/support/containerd.ts";

/** Bounds one call: a layer of a gigabyte is unpacked well within. */
const callTimeoutMs = 300_000;

/** containerd's collector of garbage leaves alone what bears it. */
const rootLabel = "containerd.io/gc.root";

/** Prefixes of the services' names on the wire. */
const packages = {
  Snapshots: "containerd.services.snapshots.v1",
  Diff: "containerd.services.diff.v1",
};

/**
 * Has a containerd unpack single layers, by the calls with which a pull does it: what a
 * pull does besides is not there to be measured too. Dispose of it to close its connection.
 */
export class LayerUnpacker implements AsyncDisposable {
  readonly #containerd: Containerd;
  readonly #client: Client;
  readonly #root: protobuf.Root;
  #snapshotsMade = 0;

  private constructor(containerd: Containerd, root: protobuf.Root) {
    this.#containerd = containerd;
    this.#client = new Client(`unix:${containerd.socketPath}`, credentials.createInsecure());
    this.#root = root;
  }

  static async open(containerd: Containerd): Promise<LayerUnpacker> {
    const root = await protobuf.load(join(import.meta.dirname, "unpack.proto"));
    root.resolveAll();
    return new LayerUnpacker(containerd, root);
  }

  /**
   * Unpacks a layer, whose blob must be in containerd's content store, into a new snapshot,
   * which is removed again; gives the milliseconds of the unpack alone.
   */
  async unpack({ mediaType, digest, size }: Descriptor): Promise<number> {
    const { snapshotter } = this.#containerd;
    const key = `bench-${process.pid}-${this.#snapshotsMade++}`;
    const labels = { [rootLabel]: new Date().toISOString() };
    const { mounts } = await this.#call("Snapshots", "Prepare", { snapshotter, key, labels });
    try {
      const start = performance.now();
      const { applied } = await this.#call("Diff", "Apply", {
        diff: { mediaType, digest, size },
        mounts,
      });
      const durationMs = performance.now() - start;
      assert(applied, "containerd tells of no unpacked layer");
      return durationMs;
    } finally {
      await this.#call("Snapshots", "Remove", { snapshotter, key });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.close();
  }

  #call(
    serviceName: keyof typeof packages,
    methodName: string,
    request: object,
  ): Promise<Record<string, unknown>> {
    const method = this.#root.lookupService(`bench.${serviceName}`).methods[methodName];
    const { resolvedRequestType: requestType, resolvedResponseType: responseType } = method ?? {};
    assert(requestType && responseType);
    const metadata = new Metadata();
    metadata.set("containerd-namespace", "default");
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        `/${packages[serviceName]}.${serviceName}/${methodName}`,
        (message: object) => Buffer.from(requestType.encode(message).finish()),
        (bytes) => responseType.toObject(responseType.decode(bytes), { longs: Number }),
        requestType.fromObject(request),
        metadata,
        { deadline: Date.now() + callTimeoutMs },
        (error, response) => {
          if (error) reject(error);
          else resolve(response ?? {});
        },
      );
    });
  }
}
