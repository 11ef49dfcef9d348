import type { ByteString } from "./byte-string.ts";
import type { FileTimes } from "./timestamp.ts";

/** A directory of the layer that is being unpacked: all of them are known. */
export class LayerDirectory {
  readonly name: ByteString;
  /** Absent for the top of the layer. */
  readonly parent: LayerDirectory | undefined;
  /** Length of its path below the top. */
  readonly pathLength: number;
  /** What the last entry says that describes it; `undefined` while none does. */
  times: FileTimes | undefined;
  /** False when it was removed again. */
  isPresent = true;
  // Most directories have none in them.
  #children: Map<ByteString, LayerDirectory> | undefined;

  constructor(name: ByteString, parent: LayerDirectory | undefined) {
    this.name = name;
    this.parent = parent;
    this.pathLength = parent ? parent.pathLength + name.length + 1 : 0;
  }

  /** Whether it is there only for what is in it. */
  get isImplied(): boolean {
    return this.parent !== undefined && this.times === undefined;
  }

  get children(): Iterable<LayerDirectory> {
    return this.#children?.values() ?? [];
  }

  child(name: ByteString): LayerDirectory | undefined {
    return this.#children?.get(name);
  }

  addChild(name: ByteString): LayerDirectory {
    const child = new LayerDirectory(name, this);
    this.#children ??= new Map();
    this.#children.set(name, child);
    return child;
  }

  /** Takes it out of the directory that it is in. */
  detach(): void {
    this.parent?.removeChild(this.name);
    this.isPresent = false;
  }

  removeChild(name: ByteString): void {
    this.#children?.delete(name);
  }

  /** Names of the directories on the way to it, its own last. */
  components(): ByteString[] {
    if (!this.parent) return [];
    const components = this.parent.components();
    components.push(this.name);
    return components;
  }

  /** It and all directories below, each before those in it. */
  *descendants(): Generator<LayerDirectory> {
    yield this;
    for (const child of this.children) yield* child.descendants();
  }
}
