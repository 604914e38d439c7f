import { RandomStream } from '../../base/index.ts';
import type { ByteReader } from './byte-reader.ts';
import { BARE, Kind, OWN, PLAIN, Tag, VIEWS } from './format.ts';
import { isBuffer, kindOf } from './graph-writer.ts';
import { readRuns } from './memory-runs.ts';
import { SnapshotError } from './snapshot-error.ts';
import type { StateTable } from './state-rules.ts';

/** How objects with these fields are made, if they can be. */
interface Form {
  readonly maker: string;
  readonly fields: readonly string[];
}

type Fields = Record<string, unknown>;

/** Stands for an element that an array does not have. */
const HOLE = Symbol('hole');

/**
 * Reads what a `GraphWriter` has written into the objects of a machine that was made in the same way: each is found at the
 * place where the writer found its like, and is set to what that held. What the machine does not have yet is made.
 */
export class GraphReader {
  private readonly in: ByteReader;
  private readonly table: StateTable;
  private readonly texts: string[] = [];
  private readonly forms: Form[] = [];
  /** Objects by their number, and for those with named fields the form. */
  private readonly objects: object[] = [];
  private readonly formOf: (Form | null)[] = [];
  /** Where each was found, for people: the number of its owner, and the name there. */
  private readonly owners: number[] = [];
  private readonly names: string[] = [];
  /** Objects that have their number, and those that all machines share, in which nothing is to be written. */
  private readonly taken: Set<object>;
  private readonly links: { owner: number; field: string }[] = [];
  private owner = -1;

  constructor(input: ByteReader, table: StateTable) {
    this.in = input;
    this.table = table;
    this.taken = new Set(Object.values(table.shared));
  }

  /**
   * Sets `root`, and what it leads to; without it, makes everything anew.
   *
   * @throws {@link SnapshotError} if the objects are not alike, or the bytes are damaged.
   */
  read(root?: object): unknown {
    const { objects, links } = this;
    const result = this.value(root, '');
    let read = 0;
    let followed = 0;
    for (;;) {
      while (read < objects.length) {
        this.owner = read;
        this.contents(objects[read], this.formOf[read]);
        read++;
      }
      if (followed === links.length) return result;
      const { owner, field } = links[followed++];
      this.owner = owner;
      const fields = objects[owner] as Fields;
      put(fields, field, this.value(fields[field], field));
    }
  }

  /** A value; `current` is what stands in its place, under the name `at`. */
  private value(current: unknown, at: string | number): unknown {
    const tag = this.in.byte();
    switch (tag) {
      case Tag.UNDEFINED:
        return undefined;
      case Tag.NULL:
        return null;
      case Tag.FALSE:
        return false;
      case Tag.TRUE:
        return true;
      case Tag.HOLE:
        return HOLE;
      case Tag.POSITIVE:
        return this.in.count();
      case Tag.NEGATIVE:
        return -this.in.count();
      case Tag.FLOAT:
        return this.in.float();
      case Tag.NAN:
        return Number.NaN;
      case Tag.TEXT: {
        const text = this.in.text();
        this.texts.push(text);
        return text;
      }
      case Tag.KNOWN_TEXT:
        return this.texts[this.in.count()];
      case Tag.BIGINT:
        return BigInt(this.in.text());
      case Tag.OBJECT:
      case Tag.KNOWN_OBJECT:
        return this.object(tag, current, at);
    }
    if (tag < Tag.SMALL) throw new SnapshotError('it is damaged');
    return tag - Tag.SMALL;
  }

  private object(tag: number, current: unknown, at: string | number): object {
    if (tag === Tag.KNOWN_OBJECT) {
      const number = this.objects.length - 1 - this.in.count();
      if (!(number >= 0)) throw new SnapshotError('it is damaged');
      return this.objects[number];
    }
    const here = isObject(current) && !this.taken.has(current) ? current : null;
    const kind = this.in.count();
    if (kind === Kind.VIEW) return this.view(here, at);
    if (kind === Kind.SHARED) return this.take(this.shared(this.in.text()), at);
    if (kind >= Kind.RECORD) return this.record(this.form(kind - Kind.RECORD), here, at);
    if (kind === Kind.BUFFER || kind === Kind.SHARED_BUFFER) return this.buffer(kind, here, at);
    if (here !== null && kindOf(here) === kind) return this.take(here, at);
    switch (kind) {
      case Kind.ARRAY:
        return this.take([], at);
      case Kind.MAP:
        return this.take(new Map(), at);
      case Kind.SET:
        return this.take(new Set(), at);
      case Kind.RANDOM:
        return this.take(new RandomStream(''), at);
    }
    throw new SnapshotError(`${this.path(at)} is nothing that this machine has or can make`);
  }

  private shared(name: string): object {
    const { shared } = this.table;
    if (!Object.hasOwn(shared, name)) throw new SnapshotError('it is damaged');
    return shared[name];
  }

  private buffer(kind: number, here: object | null, at: string | number): object {
    const bytes = this.in.count();
    const fits = here !== null && isBuffer(here) && kindOf(here) === kind && here.byteLength === bytes;
    if (fits) return this.take(here, at);
    return this.take(kind === Kind.BUFFER ? new ArrayBuffer(bytes) : new SharedArrayBuffer(bytes), at);
  }

  private view(here: object | null, at: string | number): object {
    const type = VIEWS[this.in.byte()];
    if (type === undefined) throw new SnapshotError('it is damaged');
    const offset = this.in.count();
    const length = this.in.count();
    const view = here instanceof type ? here : null;
    const fits = view !== null && view.byteOffset === offset && view.length === length;
    const buffer = this.value(fits ? view.buffer : null, at);
    if (!isObject(buffer) || !isBuffer(buffer)) throw new SnapshotError('it is damaged');
    return this.take(
      fits && view.buffer === buffer ? view : new type(buffer as ArrayBuffer, offset, length),
      at,
    );
  }

  private form(number: number): Form {
    const { forms } = this;
    if (number < forms.length) return forms[number];
    if (number > forms.length) throw new SnapshotError('it is damaged');
    const maker = this.in.text();
    const form: Form = { maker, fields: Array.from({ length: this.in.count() }, () => this.in.text()) };
    forms.push(form);
    return form;
  }

  private record(form: Form, here: object | null, at: string | number): object {
    const { maker, fields } = form;
    if (here !== null && kindOf(here) === Kind.RECORD && this.isLike(here, form)) {
      return this.take(here, at, form);
    }
    if (maker === PLAIN || maker === BARE) {
      const made: object = maker === PLAIN ? {} : Object.create(null);
      for (const field of fields) put(made as Fields, field, undefined);
      return this.take(made, at, form);
    }
    const { madeLater } = this.table;
    if (maker === OWN || !Object.hasOwn(madeLater, maker)) {
      throw new SnapshotError(`${this.path(at)} is not as it is in a machine of this version`);
    }
    const made = madeLater[maker].make();
    if (!this.isLike(made, form))
      throw new SnapshotError(`${this.path(at)} has other fields than in this version`);
    return this.take(made, at, form);
  }

  /** Whether an object has the class and the fields of a form. */
  private isLike(object: object, { maker, fields }: Form): boolean {
    const prototype: unknown = Object.getPrototypeOf(object);
    const { rules, madeLater } = this.table;
    if (maker === BARE ? prototype !== null : prototype === null) return false;
    if (maker === PLAIN && object.constructor !== Object) return false;
    if (maker !== PLAIN && maker !== BARE && maker !== OWN && object.constructor !== madeLater[maker]?.type) {
      return false;
    }
    const { apart = [] } = rules.get(object.constructor) ?? {};
    let i = 0;
    for (const field of Object.keys(object)) {
      if (apart.includes(field)) continue;
      if (field !== fields[i++]) return false;
    }
    return i === fields.length;
  }

  private take<T extends object>(object: T, at: string | number, form: Form | null = null): T {
    this.objects.push(object);
    this.formOf.push(form);
    this.owners.push(this.owner);
    this.names.push(String(at));
    this.taken.add(object);
    return object;
  }

  private contents(object: object, form: Form | null): void {
    const kind = kindOf(object);
    if (kind === Kind.RECORD) {
      // What all machines share has no form.
      if (form !== null) this.fields(object as Fields, form);
      return;
    }
    switch (kind) {
      case Kind.ARRAY:
        this.array(object as unknown[]);
        return;
      case Kind.MAP:
        this.map(object as Map<unknown, unknown>);
        return;
      case Kind.SET:
        this.set(object as Set<unknown>);
        return;
      case Kind.BUFFER:
      case Kind.SHARED_BUFFER:
        readRuns(this.in, object as ArrayBufferLike);
        return;
      case Kind.RANDOM: {
        const word = () => this.value(0, '') as number;
        (object as RandomStream).state = [word(), word(), word(), word()];
      }
    }
  }

  private array(array: unknown[]): void {
    const length = this.in.count();
    array.length = Math.min(array.length, length);
    for (let i = 0; i < length; i++) {
      const value = this.value(array[i], i);
      if (value === HOLE) {
        delete array[i];
        array.length = Math.max(array.length, i + 1);
      } else if (i >= array.length) array.push(value);
      else if (!(i in array) || !Object.is(array[i], value)) array[i] = value;
    }
  }

  private map(map: Map<unknown, unknown>): void {
    const before = new Map(map);
    const keys = [...map.keys()];
    map.clear();
    const size = this.in.count();
    for (let i = 0; i < size; i++) {
      const key = this.value(keys[i], `key ${i}`);
      map.set(key, this.value(before.get(key), String(key)));
    }
  }

  private set(set: Set<unknown>): void {
    const before = [...set];
    set.clear();
    const size = this.in.count();
    for (let i = 0; i < size; i++) set.add(this.value(before[i], i));
  }

  private fields(object: Fields, { fields }: Form): void {
    const { links = [] } = this.table.rules.get(object.constructor) ?? {};
    for (const field of fields) {
      if (links.includes(field)) this.links.push({ owner: this.owner, field });
      else put(object, field, this.value(object[field], field));
    }
  }

  /** Where something is, for people: `machine.nic.data`. */
  private path(at: string | number): string {
    const names = [String(at)];
    for (let owner = this.owner; owner > 0; owner = this.owners[owner]) names.unshift(this.names[owner]);
    return names.join('.');
  }
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

/** Sets what differs: a constant's fields are not written. */
function put(object: Fields, field: string, value: unknown): void {
  if (!(field in object) || !Object.is(object[field], value)) object[field] = value;
}
