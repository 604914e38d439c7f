import type { FileUses } from './file-uses.ts';
import type { Io } from './io.ts';

export { UsageError } from './usage-error.ts';

/** One command of the tool. */
export interface Command {
  /** What follows its name, for the help. */
  usage: string;
  summary: string;
  options: Readonly<Record<string, OptionSpec>>;
  /** Names of the arguments that it needs. */
  parameters: readonly string[];
  /** Names of those that may follow. */
  optional?: readonly string[];
  /** Returns the exit status. */
  run(input: CommandInput, io: Io): Promise<number>;
}

/** An option: a flag, or with a value. */
export interface OptionSpec {
  /** What its value is called in the help; a flag has none. */
  value?: string;
  /** Whether it may be given again and again; its values are in {@link CommandInput.lists} then. */
  repeats?: boolean;
  /** Options that it does not go with, and why: what stands behind the colon of the message. */
  apartFrom?: Readonly<Record<string, string>>;
  about: string;
}

/** A command line after it was checked against its {@link Command}. */
export interface CommandInput {
  parameters: readonly string[];
  flags: ReadonlySet<string>;
  values: ReadonlyMap<string, string>;
  /** What was given for options that repeat, in order. */
  lists: ReadonlyMap<string, readonly string[]>;
  /** What is read and written in this call. */
  files: FileUses;
}

/** Exit statuses. An interrupted run ends with 128 and the number of the signal, as shells count. */
export const EXIT = { done: 0, failed: 1, wrongInput: 2 } as const;
