import { type Command, Option } from "commander";

import { InvalidArgumentError } from "../../core/errors.ts";
import type { CliContext, Done } from "../cli-context.ts";
import { readTextFile } from "../read-text-file.ts";
import { serviceUrl } from "../service-address.ts";
import { changePush } from "./change-push.ts";

/** Where a seeder listens when nothing else is said. */
const defaultSeeder = "http://127.0.0.1:7072";

interface Flags {
  readonly seeder: string;
  readonly tokenFile?: string;
}

/** Adds `shoal pushes retry` and `shoal pushes drop`. */
export function addPushesCommands(
  program: Command,
  { context, done }: { readonly context: CliContext; readonly done: Done },
): void {
  const pushes = program
    .command("pushes")
    .description("look after what was pushed to a seeder and waits for its registry");
  const add = (name: string, description: string, method: "POST" | "DELETE") => {
    pushes
      .command(name)
      .description(description)
      .argument("<id>", "as `shoal status` of the seeder shows it")
      .addOption(new Option("--seeder <url>", "the seeder").default(defaultSeeder))
      .addOption(new Option("--token-file <file>", "a file whose first token may push"))
      .action((id: string, { seeder, tokenFile }: Flags) =>
        done(async () => {
          const token = tokenFile === undefined ? undefined : await readToken(tokenFile, context);
          return changePush({ seeder: serviceUrl(seeder), id, method, token }, context);
        }),
      );
  };
  add("retry", "try it now, whatever became of it before", "POST");
  add("drop", "give it up: a manifest goes with its tags", "DELETE");
}

/** @throws {InvalidArgumentError} when there is none in the file. */
async function readToken(file: string, { signal }: CliContext): Promise<string> {
  const lines = (await readTextFile(file, { signal })).split("\n").map((line) => line.trim());
  const token = lines.find((line) => line !== "" && !line.startsWith("#"));
  if (token !== undefined) return token;
  throw new InvalidArgumentError(`Cannot find a token in ${file}`);
}
