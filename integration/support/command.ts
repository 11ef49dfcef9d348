import { spawn } from "node:child_process";

/** A program and its arguments. */
export type Argv = readonly [program: string, ...args: string[]];

export interface CommandOptions {
  readonly cwd?: string;
  /** Added to the environment of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** Given to standard input, which is empty otherwise. */
  readonly input?: string;
  /** Name of the network namespace to run in. */
  readonly netns?: string | undefined;
  /** Ends the program with `killSignal`. */
  readonly signal?: AbortSignal | undefined;
  /** SIGTERM unless told otherwise. */
  readonly killSignal?: NodeJS.Signals | undefined;
}

export interface CommandResult {
  readonly stdout: string;
  readonly stderr: string;
}

/** A program ended with another status than 0. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly status: number | string;
  readonly stdout: string;
  readonly stderr: string;

  constructor(argv: Argv, status: number | string, output: CommandResult) {
    const said = output.stderr.trim() || output.stdout.trim();
    super(`Command ${JSON.stringify(argv.join(" "))} ended with ${status}: ${said.slice(-2000)}`);
    this.status = status;
    this.stdout = output.stdout;
    this.stderr = output.stderr;
  }
}

/**
 * Runs a program to its end and gives what it printed.
 *
 * @throws {CommandError} when it cannot be started, or ends with another status than 0.
 */
export async function runCommand(argv: Argv, options: CommandOptions = {}): Promise<CommandResult> {
  const [program, ...args] = inNamespace(options.netns, argv);
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ["pipe", "pipe", "pipe"],
    signal: options.signal,
    killSignal: options.killSignal ?? "SIGTERM",
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  // A program need not read its input to the end.
  child.stdin.on("error", () => undefined).end(options.input ?? "");

  const status = await new Promise<number | string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("close", (code, signal) => resolve(code ?? signal ?? "nothing"));
  });
  if (status !== 0) throw new CommandError(argv, status, { stdout, stderr });
  return { stdout, stderr };
}

/**
 * The command line that runs `argv` in a network namespace. Unlike `ip netns exec`
 * it leaves the mounts alone: runc needs `/sys/fs/cgroup`, and what containerd
 * mounts must be seen, and undone, from outside.
 */
export function inNamespace(netns: string | undefined, argv: Argv): Argv {
  return netns === undefined ? argv : ["nsenter", `--net=/run/netns/${netns}`, ...argv];
}

/** Whether a program of that name is in the search path. */
export async function hasCommand(name: string): Promise<boolean> {
  try {
    await runCommand(["sh", "-c", 'command -v "$1"', "sh", name]);
    return true;
  } catch {
    return false;
  }
}
