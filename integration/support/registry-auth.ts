import { writeFile } from "node:fs/promises";
import { join } from "node:path";

/** How a registry asks who comes. */
export type RegistryAuth =
  | { readonly kind: "basic" }
  | {
      readonly kind: "token";
      /** URL of the token server. */
      readonly realm: string;
      readonly service: string;
      readonly issuer: string;
      /** File of the certificate that tokens are signed with. */
      readonly certificatePath: string;
    };

/** The one user whom registries and token servers of ours know. */
export const registryUser = { name: "fisher", password: "net and line" } as const;

/** Made by `htpasswd -nbB` of the user above; docker-registry knows bcrypt only. */
const passwordFile = "fisher:$2y$05$1fmhhWB1.jSvHRgfrFtc2.Vhwb8GkePitF7RVxIauq6F3TbCWXe4u\n";

/** The `auth` part of the configuration of docker-registry. */
export async function renderRegistryAuth(auth: RegistryAuth, directory: string): Promise<string> {
  if (auth.kind === "token") {
    return `auth:
  token:
    realm: ${auth.realm}
    service: ${auth.service}
    issuer: ${auth.issuer}
    rootcertbundle: ${auth.certificatePath}
`;
  }
  const path = join(directory, "htpasswd");
  await writeFile(path, passwordFile);
  return `auth:
  htpasswd:
    realm: shoal-test
    path: ${path}
`;
}

/** Writes credentials of the user as `docker login` does, and gives the path of the file. */
export async function writeDockerConfig(directory: string, host: string): Promise<string> {
  const path = join(directory, "config.json");
  const { name, password } = registryUser;
  const auth = Buffer.from(`${name}:${password}`).toString("base64");
  await writeFile(path, JSON.stringify({ auths: { [host]: { auth } } }));
  return path;
}

/** The value of an Authorization header for HTTP Basic. */
export function basicCredentials({ name, password }: typeof registryUser): string {
  return `Basic ${Buffer.from(`${name}:${password}`).toString("base64")}`;
}
