/**
 * What the walk over a machine's objects has to be told of a class. Without a rule, every field of an object is its
 * state, and what it points at is the object's own.
 */
export interface StateRules {
  /**
   * Fields that point at one of several which others own: they are followed last, so that an object is found where it
   * always is, and not where it happens to be.
   */
  readonly links?: readonly string[];
  /** Fields that are no state: what a user has attached, and caches that only save time. */
  readonly apart?: readonly string[];
}

/** A class whose objects also come into being while a machine runs. */
export interface MadeLater {
  readonly type: new (...args: never[]) => object;
  /** Makes one, by the same constructor; what is in it is set afterwards. */
  make(): object;
}

/** Rules by class; what is made later, and what all machines share, by the names under which they are written. */
export interface StateTable {
  readonly rules: ReadonlyMap<unknown, StateRules>;
  readonly madeLater: Readonly<Record<string, MadeLater>>;
  /** Objects of a module that stand for nothing, and are told from others by what they are. */
  readonly shared: Readonly<Record<string, object>>;
}
