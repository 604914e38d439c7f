import { RandomStream } from '../../base/index.ts';
import type { ByteWriter } from './byte-writer.ts';
import { BARE, Kind, OWN, PLAIN, SMALL_INTEGERS, Tag, VIEWS, type View } from './format.ts';
import { writeRuns } from './memory-runs.ts';
import { SnapshotError } from './snapshot-error.ts';
import type { StateTable } from './state-rules.ts';

/** What objects of one class are like. */
interface Form {
  readonly number: number;
  readonly key: string;
  readonly maker: string;
  /** Names of all fields, and of those that are state. */
  readonly keys: readonly string[];
  readonly fields: readonly string[];
  readonly isLink: readonly boolean[];
}

/** A field that is followed when all else has been found. */
interface Link {
  readonly owner: Record<string, unknown>;
  readonly field: string;
}

/**
 * Writes everything that can be reached from an object by its fields, each object once, in the order in which it is
 * found: nearer ones first, links last. What only a closure holds is not found.
 */
export class GraphWriter {
  private readonly out: ByteWriter;
  private readonly table: StateTable;
  private readonly makers: ReadonlyMap<unknown, string>;
  private readonly shared: ReadonlyMap<object, string>;
  private readonly numbers = new Map<object, number>();
  private readonly texts = new Map<string, number>();
  private readonly forms = new Map<string, Form>();
  private readonly lastForms = new Map<unknown, Form>();
  private readonly found: object[] = [];
  private readonly links: Link[] = [];

  constructor(out: ByteWriter, table: StateTable) {
    this.out = out;
    this.table = table;
    this.shared = new Map(Object.entries(table.shared).map(([name, object]) => [object, name]));
    this.makers = new Map<unknown, string>([
      ...Object.entries(table.madeLater).map(([name, { type }]) => [type, name] as const),
      [Object, PLAIN],
    ]);
  }

  /** Writes `root` and what it leads to. Returns the objects, in the order of their numbers. */
  write(root: object): readonly object[] {
    const { found, links } = this;
    this.value(root);
    let written = 0;
    let followed = 0;
    for (;;) {
      while (written < found.length) this.contents(found[written++]);
      if (followed === links.length) return found;
      const { owner, field } = links[followed++];
      this.value(owner[field]);
    }
  }

  private value(value: unknown): void {
    const { out } = this;
    switch (typeof value) {
      case 'number':
        this.number(value);
        return;
      case 'string':
        this.text(value);
        return;
      case 'boolean':
        out.byte(value ? Tag.TRUE : Tag.FALSE);
        return;
      case 'undefined':
        out.byte(Tag.UNDEFINED);
        return;
      case 'bigint':
        out.byte(Tag.BIGINT);
        out.text(String(value));
        return;
      case 'symbol':
        throw new SnapshotError('a symbol is no state');
    }
    if (value === null) out.byte(Tag.NULL);
    else this.object(value as object);
  }

  private number(value: number): void {
    const { out } = this;
    if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
      if (value >= 0 && value < SMALL_INTEGERS) out.byte(Tag.SMALL + value);
      else {
        out.byte(value < 0 ? Tag.NEGATIVE : Tag.POSITIVE);
        out.count(Math.abs(value));
      }
    } else if (Number.isNaN(value)) out.byte(Tag.NAN);
    else {
      out.byte(Tag.FLOAT);
      out.float(value);
    }
  }

  private text(text: string): void {
    const { out, texts } = this;
    const known = texts.get(text);
    out.byte(known === undefined ? Tag.TEXT : Tag.KNOWN_TEXT);
    if (known !== undefined) out.count(known);
    else {
      texts.set(text, texts.size);
      out.text(text);
    }
  }

  /** A reference to an object, and what it is if it is the first. */
  private object(object: object): void {
    const { out, numbers, found } = this;
    const number = numbers.get(object);
    if (number !== undefined) {
      out.byte(Tag.KNOWN_OBJECT);
      out.count(numbers.size - 1 - number);
      return;
    }
    out.byte(Tag.OBJECT);
    if (ArrayBuffer.isView(object)) {
      this.view(object as View);
      return;
    }
    numbers.set(object, numbers.size);
    found.push(object);
    const shared = this.shared.get(object);
    const kind = kindOf(object);
    if (shared !== undefined) {
      out.count(Kind.SHARED);
      out.text(shared);
    } else if (kind === Kind.RECORD) this.form(object);
    else {
      out.count(kind);
      if (kind === Kind.BUFFER || kind === Kind.SHARED_BUFFER)
        out.count((object as ArrayBufferLike).byteLength);
    }
  }

  /** All of a view; its buffer has a number before it has. */
  private view(view: View): void {
    const { out, numbers, found } = this;
    const type = VIEWS.findIndex((each) => view instanceof each);
    if (type < 0) throw new SnapshotError(`a ${view.constructor.name} is no state`);
    out.count(Kind.VIEW);
    out.byte(type);
    out.count(view.byteOffset);
    out.count(view.length);
    this.object(view.buffer);
    numbers.set(view, numbers.size);
    found.push(view);
  }

  /** Class and fields of an object: written once. */
  private form(object: object): void {
    const { out } = this;
    const form = this.formOf(object);
    const known = this.forms.has(form.key);
    out.count(Kind.RECORD + form.number);
    if (known) return;
    this.forms.set(form.key, form);
    out.text(form.maker);
    out.count(form.fields.length);
    for (const field of form.fields) out.text(field);
  }

  /** The form of an object: as that of the last one of its class, nearly always. */
  private formOf(object: object): Form {
    const keys = Object.keys(object);
    const type: unknown = Object.getPrototypeOf(object) === null ? null : object.constructor;
    const last = this.lastForms.get(type);
    if (last !== undefined && areEqual(last.keys, keys)) return last;
    const { apart = [], links = [] } = this.table.rules.get(type) ?? {};
    const maker = type === null ? BARE : (this.makers.get(type) ?? OWN);
    const fields = keys.filter((field) => !apart.includes(field));
    const key = `${maker} ${fields.join(' ')}`;
    const number = this.forms.get(key)?.number ?? this.forms.size;
    const form = { number, key, maker, keys, fields, isLink: fields.map((field) => links.includes(field)) };
    this.lastForms.set(type, form);
    return form;
  }

  private contents(object: object): void {
    const { out } = this;
    if (this.shared.has(object)) return;
    switch (kindOf(object)) {
      case Kind.RECORD:
        this.fields(object as Record<string, unknown>);
        return;
      case Kind.ARRAY:
        this.array(object as readonly unknown[]);
        return;
      case Kind.MAP: {
        const map = object as ReadonlyMap<unknown, unknown>;
        out.count(map.size);
        for (const [key, value] of map) {
          this.value(key);
          this.value(value);
        }
        return;
      }
      case Kind.SET: {
        const set = object as ReadonlySet<unknown>;
        out.count(set.size);
        for (const value of set) this.value(value);
        return;
      }
      case Kind.BUFFER:
      case Kind.SHARED_BUFFER:
        writeRuns(out, object as ArrayBufferLike);
        return;
      case Kind.RANDOM:
        for (const word of (object as RandomStream).state) this.number(word);
    }
  }

  private array(array: readonly unknown[]): void {
    const { out } = this;
    out.count(array.length);
    for (let i = 0; i < array.length; i++) {
      if (i in array) this.value(array[i]);
      else out.byte(Tag.HOLE);
    }
  }

  private fields(object: Record<string, unknown>): void {
    const { fields, isLink } = this.formOf(object);
    for (let i = 0; i < fields.length; i++) {
      const field = fields[i];
      if (isLink[i]) this.links.push({ owner: object, field });
      else this.value(object[field]);
    }
  }
}

function areEqual(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Whether an object is a buffer of bytes, of one thread or of several. */
export function isBuffer(object: object): object is ArrayBufferLike {
  return (
    object instanceof ArrayBuffer ||
    (typeof SharedArrayBuffer !== 'undefined' && object instanceof SharedArrayBuffer)
  );
}

/** What an object is. */
export function kindOf(object: object): number {
  if (typeof object === 'function') return Kind.FUNCTION;
  if (ArrayBuffer.isView(object)) return Kind.VIEW;
  if (isBuffer(object)) return object instanceof ArrayBuffer ? Kind.BUFFER : Kind.SHARED_BUFFER;
  if (object instanceof RandomStream) return Kind.RANDOM;
  if (Object.isFrozen(object) || object instanceof WeakMap) return Kind.CONSTANT;
  if (Array.isArray(object)) return Kind.ARRAY;
  if (object instanceof Map) return Kind.MAP;
  if (object instanceof Set) return Kind.SET;
  return Kind.RECORD;
}
