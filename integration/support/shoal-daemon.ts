import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { stringify } from "yaml";

import { DisposeStack } from "../../core/async/dispose-stack.ts";
import type { ServiceName, ServiceStatus } from "../../core/service-status.ts";
import { requestHttp, type HttpEndpoint } from "./http.ts";
import type { NetworkHost } from "./network.ts";
import { answersHttp } from "./readiness.ts";
import { repositoryPath } from "./repository.ts";
import { startProcess, type SupervisedProcess } from "./supervised-process.ts";
import { openTunnel } from "./tunnel.ts";

/** The command as users call it. */
export const commandPath = join(repositoryPath, "cli", "shoal.sh");

export interface ShoalDaemonOptions {
  readonly service: ServiceName;
  /** Content of its configuration file. */
  readonly config: object;
  /** Takes its configuration and log. */
  readonly directory: string;
  readonly on: NetworkHost;
  /** Port at the host's address where it answers `GET /v1/status`. */
  readonly adminPort: number;
}

/** One of our services, running as users run it. Dispose of it to end it. */
export class ShoalDaemon implements AsyncDisposable {
  readonly service: ServiceName;
  readonly on: NetworkHost;
  readonly logPath: string;
  /** How this process reaches its admin port. */
  readonly admin: HttpEndpoint;
  readonly #configPath: string;
  readonly #owned: DisposeStack;
  #process: SupervisedProcess | undefined;

  private constructor(options: ShoalDaemonOptions, admin: HttpEndpoint, owned: DisposeStack) {
    this.service = options.service;
    this.on = options.on;
    this.admin = admin;
    this.logPath = join(options.directory, `${options.service}.log`);
    this.#configPath = join(options.directory, `${options.service}.yaml`);
    this.#owned = owned;
  }

  /** Writes the configuration, starts the service, and waits until it answers. */
  static async start(
    options: ShoalDaemonOptions,
    { signal }: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<ShoalDaemon> {
    const owned = new DisposeStack();
    try {
      const tunnel = owned.use(await openTunnel(options.on, options.adminPort));
      const daemon = new ShoalDaemon(options, tunnel.endpoint, owned);
      await mkdir(options.directory, { recursive: true });
      await writeFile(daemon.#configPath, stringify(options.config));
      await daemon.resume({ signal });
      return daemon;
    } catch (error) {
      return owned.disposeAfter(error);
    }
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Starts it again after `stop()` or `kill9()`. */
  async resume({ signal }: { readonly signal?: AbortSignal | undefined } = {}): Promise<void> {
    this.#process = await startProcess(
      {
        name: `${this.service} on ${this.on.name}`,
        argv: ["sh", commandPath, this.service, "--config", this.#configPath],
        logPath: this.logPath,
        ready: answersHttp(this.admin, "/v1/status"),
        netns: this.on.netns,
      },
      { signal },
    );
  }

  async stop(): Promise<void> {
    await this.#process?.stop();
  }

  async kill9(): Promise<void> {
    await this.#process?.kill9();
  }

  /** Has it hang: its sockets stay open and nothing answers. */
  freeze(): void {
    this.#process?.freeze();
  }

  /** Has it go on after `freeze()`. */
  thaw(): void {
    this.#process?.thaw();
  }

  /** What it has logged since its first start. */
  async log(): Promise<string> {
    return readFile(this.logPath, "utf8");
  }

  /** What it tells of itself now. */
  async status(): Promise<ServiceStatus> {
    const { status, body } = await requestHttp(this.admin, { path: "/v1/status" });
    if (status !== 200) throw new Error(`${this.service} answers ${status} for its status`);
    return JSON.parse(body.toString()) as ServiceStatus;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.#owned[Symbol.asyncDispose]();
  }
}
