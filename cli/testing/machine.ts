import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";

import { testFolder } from "../../core/testing/test-folder.ts";
import type { ExitCode } from "../exit-code.ts";
import { runProgram } from "../program.ts";
import { capturedContext } from "./captured-context.ts";

/** A machine with a containerd of a version, which is a script that says so. */
export class Machine {
  readonly folder: string;
  readonly config: string;
  /** Where folders of registries are. */
  readonly certs: string;
  readonly socket: string;
  readonly containerdSocket: string;
  readonly #containerd: string;

  private constructor(folder: string) {
    this.folder = folder;
    this.config = join(folder, "etc", "config.toml");
    this.certs = join(folder, "certs.d");
    this.socket = join(folder, "content.sock");
    this.containerdSocket = join(folder, "containerd.sock");
    this.#containerd = join(folder, "containerd");
  }

  static async create(
    t: TestContext,
    { version, config }: { readonly version: string; readonly config?: string },
  ): Promise<Machine> {
    const machine = new Machine(testFolder(t));
    await writeFile(
      machine.#containerd,
      `#!/bin/sh\necho "containerd github.com/x ${version} abc"\n`,
    );
    await chmod(machine.#containerd, 0o755);
    await mkdir(join(machine.folder, "etc"));
    if (config !== undefined) await writeFile(machine.config, config);
    return machine;
  }

  /** Runs `shoal containerd` for this machine. */
  async shoal(
    command: "enable" | "disable" | "check",
    ...flags: readonly string[]
  ): Promise<{ readonly exitCode: ExitCode; readonly stdout: string; readonly stderr: string }> {
    const context = capturedContext();
    const place = ["--containerd-config", this.config, "--certs-dir", this.certs];
    const more =
      command === "disable" ? [] : ["--socket", this.socket, "--containerd", this.#containerd];
    if (command === "check") more.push("--containerd-socket", this.containerdSocket);
    const exitCode = await runProgram(
      ["containerd", command, ...place, ...more, ...flags],
      context,
    );
    return { exitCode, ...context.text() };
  }

  /** Writes the `hosts.toml` of a registry, as somebody may have one. */
  async writeHosts(registry: string, text: string): Promise<void> {
    await mkdir(join(this.certs, registry), { recursive: true });
    await writeFile(join(this.certs, registry, "hosts.toml"), text);
  }

  async readHosts(registry: string): Promise<string> {
    return readFile(join(this.certs, registry, "hosts.toml"), "utf8");
  }

  /** containerd's configuration as it is now. */
  async read(): Promise<string> {
    return readFile(this.config, "utf8");
  }
}
