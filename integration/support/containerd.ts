import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { snapshotterId } from "../../cli/containerd/snapshotter-change.ts";
import { CommandError, runCommand } from "./command.ts";
import { renderContainerdConfig } from "./containerd-config.ts";
import type { ContainerdRelease } from "./containerd-release.ts";
import { pollUntil } from "./poll.ts";
import { acceptsConnections } from "./readiness.ts";
import { containerdSocketPath } from "./shoal-config.ts";
import { pickSnapshotter } from "./snapshotter.ts";
import { startProcess, type SupervisedProcess } from "./supervised-process.ts";
import { unmountBelow } from "./temporary-directory.ts";

export interface ContainerdOptions {
  readonly release: ContainerdRelease;
  /** Takes all that it keeps: sockets, log, data. Short, for sockets have short paths. */
  readonly directory: string;
  /** Name of the network namespace to run in. */
  readonly netns?: string | undefined;
  /** Socket of a content store to use instead of its own. */
  readonly contentProxySocket?: string | undefined;
  /** Where the snapshotter at that socket keeps its files, if it is to be used instead of containerd's. */
  readonly snapshotsRoot?: string | undefined;
  readonly withCri?: boolean | undefined;
  /** What the CRI keeps a pod's namespaces with. */
  readonly sandboxImage?: string | undefined;
  /** More lines for the end of its configuration. */
  readonly extraToml?: string | undefined;
  /** The only processor that it may use. */
  readonly processor?: number | undefined;
}

export interface RunOptions {
  readonly namespace?: string | undefined;
  /** Ends ctr with `killSignal`. */
  readonly signal?: AbortSignal | undefined;
  /** SIGINT unless told otherwise, as Ctrl-C does. */
  readonly killSignal?: NodeJS.Signals;
}

export interface PullOptions extends RunOptions {
  /**
   * By the transfer service of the daemon, or by ctr itself. For 2.x only: 1.6 has no
   * such service, and that of 1.7 speaks to registries by HTTPS alone.
   */
  readonly by?: "ctr" | "transfer";
  /** `user:password` */
  readonly user?: string;
}

/** How gRPC says that a connection is lost, refused or waits for its next try. */
function isUnavailable(said: string): boolean {
  return said.includes("code = Unavailable") || said.includes("while dialing");
}

/** A containerd of our own. Dispose of it to end it and all containers that it runs. */
export class Containerd implements AsyncDisposable {
  readonly release: ContainerdRelease;
  readonly directory: string;
  readonly socketPath: string;
  readonly logPath: string;
  /** Where `hosts.toml` files go, see `writeRegistryHosts()`. */
  readonly hostsPath: string;
  readonly #ownSnapshotter: string;
  readonly #options: ContainerdOptions;
  #snapshotter: string;
  #process: SupervisedProcess | undefined;

  private constructor(options: ContainerdOptions, snapshotter: string) {
    this.#options = options;
    this.release = options.release;
    this.directory = options.directory;
    this.socketPath = containerdSocketPath(options.directory);
    this.logPath = join(options.directory, "containerd.log");
    this.hostsPath = join(options.directory, "certs.d");
    this.#ownSnapshotter = snapshotter;
    this.#snapshotter = snapshotter;
  }

  /** Writes the configuration, starts the daemon, and waits until it answers. */
  static async start(
    options: ContainerdOptions,
    { signal }: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<Containerd> {
    await mkdir(join(options.directory, "certs.d"), { recursive: true });
    const containerd = new Containerd(options, await pickSnapshotter(options.directory));
    await containerd.configure({});
    await containerd.resume({ signal });
    return containerd;
  }

  /** Writes the configuration anew, with changes; it is read at the next start. */
  async configure(
    changes: Pick<ContainerdOptions, "contentProxySocket" | "snapshotsRoot" | "extraToml">,
  ): Promise<void> {
    const options = { ...this.#options, ...changes };
    const config = renderContainerdConfig({
      line: this.release.line,
      hostsPath: this.hostsPath,
      snapshotter: this.#ownSnapshotter,
      ...options,
    });
    const isOurs = options.contentProxySocket !== undefined && options.snapshotsRoot !== undefined;
    this.#snapshotter = isOurs ? snapshotterId : this.#ownSnapshotter;
    await writeFile(join(this.directory, "config.toml"), config);
  }

  /** Starts the daemon again after `stop()` or `kill9()`. */
  async resume({ signal }: { readonly signal?: AbortSignal | undefined } = {}): Promise<void> {
    const { binPath, version } = this.release;
    const { processor } = this.#options;
    const config = join(this.directory, "config.toml");
    const program = [join(binPath, "containerd"), "--config", config] as const;
    this.#process = await startProcess(
      {
        name: `containerd ${version}`,
        argv: processor === undefined ? program : ["taskset", "-c", String(processor), ...program],
        // Shims are looked up in the path.
        env: { PATH: `${binPath}:${process.env["PATH"] ?? ""}` },
        logPath: this.logPath,
        ready: acceptsConnections(this.socketPath),
        netns: this.#options.netns,
      },
      { signal },
    );
  }

  /** What it unpacks images with. */
  get snapshotter(): string {
    return this.#snapshotter;
  }

  /** Flags that tell ctr of the registries that this containerd knows. */
  get hostsFlags(): readonly string[] {
    return ["--hosts-dir", this.hostsPath];
  }

  async stop(): Promise<void> {
    await this.#process?.stop();
  }

  async kill9(): Promise<void> {
    await this.#process?.kill9();
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.resume();
  }

  /** Runs ctr of the same release, in the same network namespace. */
  async ctr(
    args: readonly string[],
    { namespace = "default", signal, killSignal = "SIGINT" }: RunOptions = {},
  ): Promise<string> {
    const program = join(this.release.binPath, "ctr");
    const argv = [
      program,
      "--address",
      this.socketPath,
      "--namespace",
      namespace,
      ...args,
    ] as const;
    const { stdout } = await runCommand(argv, {
      ...{ netns: this.#options.netns, signal, killSignal },
    });
    return stdout;
  }

  /** Pulls and unpacks an image. */
  async pull(reference: string, options: PullOptions = {}): Promise<void> {
    const { by = "ctr", user } = options;
    const args = ["images", "pull", ...this.hostsFlags, ...this.#pullPathFlags(by)];
    args.push("--snapshotter", this.snapshotter);
    if (user !== undefined) args.push("--user", user);
    await this.ctr([...args, reference], options);
  }

  /**
   * Pulls after the content store was started anew. containerd connects to it again within
   * a few seconds, and refuses all until then.
   */
  async pullOnceReconnected(reference: string): Promise<void> {
    await pollUntil(
      () =>
        this.pull(reference).then(
          () => true,
          (error: unknown) => {
            if (error instanceof CommandError && isUnavailable(error.stderr)) return;
            throw error;
          },
        ),
      { what: "containerd to connect to its content store", withinMs: 60_000 },
    );
  }

  /**
   * Runs a command in a new container of an image to its end and gives what it printed.
   *
   * NOTE: it is printed to a file. What goes through ctr's own pipes is lost when a container
   * has ended before ctr has opened its side of them, for ctr then stops to open them: 2 of
   * 150 runs of containerd 1.7 with its own content store gave nothing on a busy machine.
   *
   * @see containerd client/task.go: Delete() calls io.Cancel(); cio/io_unix.go
   */
  async runContainer(
    reference: string,
    argv: readonly string[],
    options: RunOptions = {},
  ): Promise<string> {
    const id = `shoal-${process.pid}-${Date.now()}`;
    const log = join(this.directory, `${id}.log`);
    const flags = ["--rm", "--log-uri", `file://${log}`, "--snapshotter", this.snapshotter];
    await this.ctr(["run", ...flags, reference, id, ...argv], options);
    return readFile(log, "utf8");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // A daemon that does not answer has no way to tell us of its containers.
    await this.#killContainers().catch(() => undefined);
    await this.stop();
    await unmountBelow(this.directory);
  }

  #pullPathFlags(by: "ctr" | "transfer"): readonly string[] {
    if (this.release.line === "2.x") return by === "ctr" ? ["--local"] : [];
    if (by === "ctr") return [];
    throw new Error(`containerd ${this.release.version} cannot pull by transfer here`);
  }

  async #killContainers(): Promise<void> {
    const namespaces = await this.ctr(["namespaces", "list", "--quiet"]);
    for (const namespace of namespaces.split("\n").filter(Boolean)) {
      const tasks = await this.ctr(["tasks", "list", "--quiet"], { namespace });
      for (const id of tasks.split("\n").filter(Boolean)) {
        await this.ctr(["tasks", "delete", "--force", id], { namespace });
      }
    }
  }
}
