import assert from "node:assert/strict";
import { join } from "node:path";

import { Client, credentials, Metadata } from "@grpc/grpc-js";
import protobuf from "protobufjs";

import type { Descriptor } from "../../../core/descriptor.ts";
import { parseDigest, type Digest } from "../../../core/digest.ts";
import type { Mount } from "../../../core/ports/snapshot-store.ts";
import type { Containerd } from "../containerd.ts";

/** Bounds one call: a layer of a gigabyte is unpacked well within. */
const callTimeoutMs = 300_000;

/** containerd's collector of garbage leaves alone what bears it. */
const rootLabel = "containerd.io/gc.root";

/** Prefixes of the services' names on the wire. */
const packages = {
  Snapshots: "containerd.services.snapshots.v1",
  Diff: "containerd.services.diff.v1",
};

export interface ContainerdSnapshotsOptions {
  /** That of the containerd unless said otherwise. */
  readonly snapshotter?: string;
  readonly namespace?: string;
}

/**
 * The calls with which a pull has a containerd unpack layers, one by one: what a pull does
 * besides is left out. Dispose of it to close its connection.
 */
export class ContainerdSnapshots implements AsyncDisposable {
  readonly #snapshotter: string;
  readonly #namespace: string;
  readonly #client: Client;
  readonly #root: protobuf.Root;

  private constructor(
    client: Client,
    root: protobuf.Root,
    { snapshotter, namespace }: Required<ContainerdSnapshotsOptions>,
  ) {
    this.#snapshotter = snapshotter;
    this.#namespace = namespace;
    this.#client = client;
    this.#root = root;
  }

  static async open(
    containerd: Pick<Containerd, "socketPath" | "snapshotter">,
    options: ContainerdSnapshotsOptions = {},
  ): Promise<ContainerdSnapshots> {
    const root = await protobuf.load(join(import.meta.dirname, "containerd-snapshots.proto"));
    root.resolveAll();
    const client = new Client(`unix:${containerd.socketPath}`, credentials.createInsecure());
    const { snapshotter = containerd.snapshotter, namespace = "default" } = options;
    return new ContainerdSnapshots(client, root, { snapshotter, namespace });
  }

  /** Makes an active snapshot, on `parent` if there is one. */
  async prepare(key: string, parent = ""): Promise<readonly Mount[]> {
    const answer = await this.#call("Snapshots", "Prepare", { key, parent, ...this.#common() });
    return answer["mounts"] as Mount[];
  }

  /** Makes a view of a committed snapshot. */
  async view(key: string, parent = ""): Promise<readonly Mount[]> {
    const answer = await this.#call("Snapshots", "View", { key, parent, ...this.#common() });
    return answer["mounts"] as Mount[];
  }

  /** Unpacks a layer, whose blob must be in containerd's content store, and gives its diffID. */
  async apply({ mediaType, digest, size }: Descriptor, mounts: readonly Mount[]): Promise<Digest> {
    const diff = { mediaType, digest, size };
    const { applied } = await this.#call("Diff", "Apply", { diff, mounts });
    assert(applied, "containerd tells of no unpacked layer");
    return parseDigest((applied as { digest: string }).digest);
  }

  /** Makes a snapshot of the key a committed one of the name. */
  async commit(key: string, name: string): Promise<void> {
    await this.#call("Snapshots", "Commit", { key, name, ...this.#common() });
  }

  async remove(key: string): Promise<void> {
    await this.#call("Snapshots", "Remove", { key, snapshotter: this.#snapshotter });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.close();
  }

  #common(): object {
    const labels = { [rootLabel]: new Date().toISOString() };
    return { snapshotter: this.#snapshotter, labels };
  }

  #call(
    serviceName: keyof typeof packages,
    methodName: string,
    request: object,
  ): Promise<Record<string, unknown>> {
    const method = this.#root.lookupService(`containerd.${serviceName}`).methods[methodName];
    const { resolvedRequestType: requestType, resolvedResponseType: responseType } = method ?? {};
    assert(requestType && responseType);
    const metadata = new Metadata();
    metadata.set("containerd-namespace", this.#namespace);
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        `/${packages[serviceName]}.${serviceName}/${methodName}`,
        (message: object) => Buffer.from(requestType.encode(message).finish()),
        (bytes) =>
          responseType.toObject(responseType.decode(bytes), { longs: Number, arrays: true }),
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
