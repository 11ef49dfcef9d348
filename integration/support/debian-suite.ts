import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { runCommand, type Argv } from "./command.ts";
import { createTemporaryDirectory } from "./temporary-directory.ts";

/** Where apt keeps the machine's own sources; newer Debians have the first only. */
const sourceFiles = ["/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list"];

const keyringPath = "/usr/share/keyrings/debian-archive-keyring.gpg";

/**
 * Unpacks a package of another Debian suite into a folder, which must not exist
 * yet and appears only when it is complete. It is fetched from the mirror that
 * the machine uses, with a private apt: the machine's own lists, preferences and
 * packages are neither used nor changed. What it depends on is not fetched.
 *
 * @throws {CommandError} when the mirror has no such suite, or the suite no such package.
 */
export async function unpackFromSuite(
  packageName: string,
  { suite, target }: { readonly suite: string; readonly target: string },
): Promise<void> {
  const directory = await createTemporaryDirectory();
  try {
    const apt = await privateApt(directory.path, suite);
    await runCommand([...apt, "update"]);
    await runCommand([...apt, "download", packageName], { cwd: directory.path });
    const file = (await readdir(directory.path)).find((name) => name.endsWith(".deb"));
    if (file === undefined) throw new Error(`apt downloaded no ${packageName}`);
    await rm(`${target}.partial`, { recursive: true, force: true });
    await mkdir(`${target}.partial`, { recursive: true });
    await runCommand(["dpkg", "-x", join(directory.path, file), `${target}.partial`]);
    await rename(`${target}.partial`, target);
  } finally {
    await directory[Symbol.asyncDispose]();
  }
}

/** The command line of an apt-get that knows one suite only and keeps all its state in a folder. */
async function privateApt(directory: string, suite: string): Promise<Argv> {
  for (const name of ["state/lists/partial", "cache/archives/partial"]) {
    await mkdir(join(directory, name), { recursive: true });
  }
  const sources = join(directory, "private.sources");
  const lines = [
    "Types: deb",
    `URIs: ${await debianMirror()}`,
    `Suites: ${suite}`,
    "Components: main",
    `Signed-By: ${keyringPath}`,
  ];
  await writeFile(sources, `${lines.join("\n")}\n`);
  const settings = {
    "Dir::Etc::SourceList": sources,
    "Dir::Etc::SourceParts": "-",
    "Dir::Etc::PreferencesParts": "-",
    "Dir::Etc::Preferences": "-",
    "Dir::State": join(directory, "state"),
    "Dir::State::Status": "/dev/null",
    "Dir::Cache": join(directory, "cache"),
    "Acquire::Languages": "none",
    // The folder is ours alone, so apt's own user could not write there.
    "APT::Sandbox::User": "root",
  };
  const options = Object.entries(settings).flatMap(([key, value]) => ["-o", `${key}=${value}`]);
  return ["apt-get", "--quiet", ...options];
}

/** The mirror that the machine takes Debian itself from. */
async function debianMirror(): Promise<string> {
  for (const path of sourceFiles) {
    const text = await readFile(path, "utf8").catch(() => "");
    const uris = text.matchAll(/^\s*(?:URIs:|deb\s+(?:\[[^\]]*\]\s+)?)\s*(\S+)/gm);
    for (const [, uri] of uris) {
      if (uri !== undefined && /\/debian\/?$/.test(uri)) return uri;
    }
  }
  throw new Error(`Cannot find a Debian mirror in ${sourceFiles.join(" or ")}`);
}
