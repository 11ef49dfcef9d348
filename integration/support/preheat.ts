import { join } from "node:path";

import { runCommand } from "./command.ts";
import { repositoryPath } from "./repository.ts";
import { seederUrl } from "./shoal-config.ts";
import type { ShoalDaemon } from "./shoal-daemon.ts";

/** Has a seeder fetch an image, as a user would. */
export async function preheat(
  reference: string,
  { seeder, signal }: { readonly seeder: ShoalDaemon; readonly signal?: AbortSignal },
): Promise<void> {
  const command = join(repositoryPath, "cli", "shoal.sh");
  const argv = ["sh", command, "preheat", reference, "--seeder", seederUrl(seeder.on)] as const;
  await runCommand(argv, { netns: seeder.on.netns, signal });
}
