import type { ByteString } from "./byte-string.ts";

/**
 * The components of an entry's name, from the top of the layer on. Nothing is above the top:
 * there `..` is the top itself.
 */
export function cleanComponents(name: ByteString): ByteString[] {
  const components: ByteString[] = [];
  for (const component of rawComponents(name)) {
    if (component === "..") components.pop();
    else components.push(component);
  }
  return components;
}

/** The components of a path, `..` among them, to be followed one after the other. */
export function rawComponents(path: ByteString): ByteString[] {
  return path.split("/").filter((component) => component !== "" && component !== ".");
}
