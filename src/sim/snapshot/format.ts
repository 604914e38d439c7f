/** How a value begins: one byte. From `SMALL` on it is an integer itself. */
export const Tag = {
  UNDEFINED: 0,
  NULL: 1,
  FALSE: 2,
  TRUE: 3,
  /** No element at this place of an array. */
  HOLE: 4,
  /** An integer as a count of what it is above, or below, zero. */
  POSITIVE: 5,
  NEGATIVE: 6,
  /** Eight bytes. */
  FLOAT: 7,
  NAN: 8,
  /** A text that comes for the first time, and one that has come: its number. */
  TEXT: 9,
  KNOWN_TEXT: 10,
  /** A text of decimal digits. */
  BIGINT: 11,
  /** An object that comes for the first time: what it is follows. */
  OBJECT: 12,
  /** One that has come: how many have come since. */
  KNOWN_OBJECT: 13,
  SMALL: 16,
} as const;

/** Integers below this are their own tag. */
export const SMALL_INTEGERS = 256 - Tag.SMALL;

/** What an object is. From `RECORD` on it is one with named fields, of the form with this number. */
export const Kind = {
  /** Known by its place alone: a function, a frozen constant. */
  FUNCTION: 0,
  CONSTANT: 1,
  ARRAY: 2,
  MAP: 3,
  SET: 4,
  BUFFER: 5,
  SHARED_BUFFER: 6,
  /** A view of a buffer: type, buffer, offset, length. */
  VIEW: 7,
  /** A stream of random numbers. */
  RANDOM: 8,
  /** One that all machines share: its name. */
  SHARED: 9,
  RECORD: 16,
} as const;

/** Views of a buffer by the number under which they are written. */
export const VIEWS = [
  Uint8Array,
  Int8Array,
  Uint16Array,
  Int16Array,
  Uint32Array,
  Int32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  Uint8ClampedArray,
] as const;

/** Any of {@link VIEWS}. */
export type View = InstanceType<(typeof VIEWS)[number]>;

/** Makers of objects without a class, beside those of the state table. */
export const PLAIN = '{}';
/** One without a prototype. */
export const BARE = 'null';
/** An object of a class that only its own machine can make. */
export const OWN = '';
