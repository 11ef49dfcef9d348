import { join } from "node:path";

import { Client, credentials } from "@grpc/grpc-js";
import protobuf from "protobufjs";

import { pollUntil } from "./poll.ts";

/** An image as the CRI tells of it. */
export interface CriImage {
  /** Digest of the image's config. */
  readonly id: string;
  readonly repoTags: readonly string[];
  readonly repoDigests: readonly string[];
  readonly size: number;
}

export interface CriCredentials {
  readonly username: string;
  readonly password: string;
  /** The registry that they are for; others do not get them then. */
  readonly serverAddress?: string;
}

interface FilesystemUsage {
  readonly fsId?: { readonly mountpoint: string };
  readonly usedBytes?: { readonly value: number };
}

interface ExecAnswer {
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
  readonly exitCode: number;
}

/** Mode of a namespace: that of the node. */
const hostNetwork = 2;

/** Bounds a pull; a test that hangs tells less than one that fails. */
const deadlineMs = 120_000;

/** A container that runs. */
export interface CriContainer {
  readonly podId: string;
  readonly containerId: string;
}

/**
 * Does with images and pods what a kubelet does: over the CRI of a containerd that was
 * started with `withCri`. Dispose of it to close its connection; pods go on.
 */
export class CriClient implements AsyncDisposable {
  readonly #client: Client;
  readonly #protocol: protobuf.Root;
  #podsStarted = 0;

  private constructor(client: Client, protocol: protobuf.Root) {
    this.#client = client;
    this.#protocol = protocol;
  }

  static async open(socketPath: string): Promise<CriClient> {
    const protocol = await protobuf.load(join(import.meta.dirname, "cri.proto"));
    protocol.resolveAll();
    return new CriClient(new Client(`unix:${socketPath}`, credentials.createInsecure()), protocol);
  }

  /** Resolves when a containerd that was started answers: it does some time after it listens. */
  async untilReady(): Promise<void> {
    const answers = () =>
      this.listImages().then(
        () => true,
        () => false,
      );
    await pollUntil(answers, { what: "the CRI", withinMs: 60_000 });
  }

  /** Pulls an image and gives its id. */
  async pullImage(reference: string, auth?: CriCredentials): Promise<string> {
    const answer = await this.#call("ImageService/PullImage", {
      image: { image: reference },
      auth,
    });
    return answer["imageRef"] as string;
  }

  /** Pulls after the content store was started anew: containerd connects to it again within seconds. */
  async pullOnceReconnected(reference: string): Promise<void> {
    await pollUntil(
      () =>
        this.pullImage(reference).catch((error: unknown) => {
          if (error instanceof Error && isUnavailable(error.message)) return undefined;
          throw error;
        }),
      { what: "containerd to connect to its content store", withinMs: 60_000 },
    );
  }

  /** What is known of an image, by name or id, if it is there. */
  async imageStatus(reference: string): Promise<CriImage | undefined> {
    const answer = await this.#call("ImageService/ImageStatus", { image: { image: reference } });
    return (answer["image"] ?? undefined) as CriImage | undefined;
  }

  async listImages(): Promise<readonly CriImage[]> {
    return (await this.#call("ImageService/ListImages", {}))["images"] as readonly CriImage[];
  }

  /** Removes an image with all its names; it need not be there. */
  async removeImage(reference: string): Promise<void> {
    await this.#call("ImageService/RemoveImage", { image: { image: reference } });
  }

  /** Where the CRI says that images are on disk, for the kubelet to watch how full it gets. */
  async imageFilesystem(): Promise<{ readonly path: string; readonly usedBytes: number }> {
    const answer = await this.#call("ImageService/ImageFsInfo", {});
    const [usage] = answer["imageFilesystems"] as readonly FilesystemUsage[];
    return { path: usage?.fsId?.mountpoint ?? "", usedBytes: usage?.usedBytes?.value ?? 0 };
  }

  /** Runs a pod of one container on the network of the node, which needs no CNI. */
  async startContainer(image: string, command: readonly string[]): Promise<CriContainer> {
    const name = `pod-${++this.#podsStarted}`;
    const security = { securityContext: { namespaceOptions: { network: hostNetwork } } };
    const sandbox = { metadata: { name, uid: name, namespace: "test" }, linux: security };
    const config = { metadata: { name }, image: { image }, command, linux: security };
    const pod = await this.#call("RuntimeService/RunPodSandbox", { config: sandbox });
    const podSandboxId = pod["podSandboxId"] as string;
    const container = await this.#call("RuntimeService/CreateContainer", {
      ...{ podSandboxId, config, sandboxConfig: sandbox },
    });
    const containerId = container["containerId"] as string;
    await this.#call("RuntimeService/StartContainer", { containerId });
    return { podId: podSandboxId, containerId };
  }

  /** Runs a command in a container that runs, and gives what it printed. */
  async exec({ containerId }: CriContainer, cmd: readonly string[]): Promise<string> {
    const answer = await this.#call("RuntimeService/ExecSync", { containerId, cmd });
    const { stdout, stderr, exitCode } = answer as unknown as ExecAnswer;
    if (exitCode !== 0) throw new Error(`${cmd.join(" ")} ended with ${exitCode}: ${text(stderr)}`);
    return text(stdout);
  }

  /** Ends a pod and removes it with its container. */
  async removePod({ podId: podSandboxId }: CriContainer): Promise<void> {
    await this.#call("RuntimeService/StopPodSandbox", { podSandboxId });
    await this.#call("RuntimeService/RemovePodSandbox", { podSandboxId });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.close();
  }

  /** @param path Names of a service and of its method. */
  #call(path: `${string}/${string}`, request: object): Promise<Record<string, unknown>> {
    const [service = "", name = ""] = path.split("/");
    const method = this.#protocol.lookupService(`runtime.v1.${service}`).methods[name];
    const requestType = method?.resolvedRequestType;
    const responseType = method?.resolvedResponseType;
    if (!requestType || !responseType) throw new Error(`The CRI has no method ${path}`);
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        `/runtime.v1.${path}`,
        (message: object) => Buffer.from(requestType.encode(message).finish()),
        (bytes) =>
          responseType.toObject(responseType.decode(bytes), { defaults: true, longs: Number }),
        requestType.fromObject(request),
        { deadline: Date.now() + deadlineMs },
        (error, response) => {
          if (error) reject(error);
          else resolve(response ?? {});
        },
      );
    });
  }
}

/** How gRPC says that a connection is lost, refused or waits for its next try. */
function isUnavailable(said: string): boolean {
  return /unavailable|while dialing|error reading from server/i.test(said);
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}
