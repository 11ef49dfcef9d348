import { serviceOfConfig } from "../core/config/service-of-config.ts";
import { InvalidArgumentError } from "../core/errors.ts";
import type { ServiceName } from "../core/service-status.ts";
import type { CliContext } from "./cli-context.ts";
import { type ExitCode, exitCodes } from "./exit-code.ts";
import { readTextFile } from "./read-text-file.ts";
import { parseServiceConfig } from "./service-config.ts";

/**
 * Checks a configuration without starting anything.
 *
 * @throws {ConfigError} with all problems
 * @throws {InvalidArgumentError} when nothing says which service it is for.
 */
export async function checkConfig(
  { file, service }: { readonly file: string; readonly service: ServiceName | undefined },
  { stdout, environment, signal }: CliContext,
): Promise<ExitCode> {
  const text = await readTextFile(file, { signal });
  const kind = service ?? serviceOfConfig(text, file);
  if (kind === undefined) {
    throw new InvalidArgumentError(
      `Cannot check ${file}: it has no key "service" with a service's name; use --service`,
    );
  }
  await parseServiceConfig(kind, { text, file, environment });
  stdout.write(`${file}: good configuration of the ${kind}\n`);
  return exitCodes.ok;
}
