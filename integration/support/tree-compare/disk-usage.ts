import type { DiskUsage } from "../../../core/ports/layer-unpacker.ts";
import { runCommand } from "../command.ts";

/** What du says that a directory tree takes. */
export async function diskUsageOf(path: string): Promise<DiskUsage> {
  const count = async (...flags: readonly string[]) =>
    Number.parseInt((await runCommand(["du", "--summarize", ...flags, path])).stdout, 10);
  return { size: await count("--block-size=1"), inodes: await count("--inodes") };
}
