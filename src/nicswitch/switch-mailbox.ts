import type { NicSwitch } from './nic-switch.ts';
import { MAIL_BYTES, MAIL_EVENT, MAIL_STATE, MAILBOX_BYTES, type SharedLayout } from './shared-layout.ts';
import { wake } from './shared-wait.ts';

type Verb = 'set' | 'add' | 'remove' | 'reset' | 'retire' | 'flush';

/** Name of a method that configures a {@link NicSwitch}: `setAntiSpoof`, `addMac`, `resetVPort` and so on. */
export type ConfigurationMethod = {
  [K in keyof NicSwitch]: K extends `${Verb}${Capitalize<string>}`
    ? NicSwitch[K] extends (...args: never[]) => unknown
      ? K
      : never
    : never;
}[keyof NicSwitch];

/** A change of a switch's configuration: a method of {@link NicSwitch} and its arguments. */
export type ConfigurationChange = {
  [K in ConfigurationMethod]: readonly [K, ...Parameters<NicSwitch[K]>];
}[ConfigurationMethod];

/** What a change returned: what its method returns, null for nothing. */
export type ChangeResult = boolean | number | string | null;

/** The mailbox at run time: which names are those of methods that configure. */
const CONFIGURES = /^(set|add|remove|reset|retire|flush)[A-Z]/;
/** Names like those, of what is not for callers. */
const INTERNAL = ['setDefaults', 'resetConfiguration'];

/** Characters of an error that an answer has room for, whatever value it quotes. */
const MESSAGE_LENGTH = 1000;

// What the mailbox holds: nothing,
export const MAIL_FREE = 0;
// a message that is being written, one that waits, one that is being carried out,
export const MAIL_WRITING = 1;
export const MAIL_ASKED = 2;
export const MAIL_TAKEN = 3;
// and the answer.
export const MAIL_ANSWERED = 4;

/** An answer: results of all changes, or the error of the one that could not be made. */
export interface Answer {
  results: ChangeResult[];
  /** Index of a change, and what its method has thrown. Those before it are made, those behind it are not. */
  failed?: { index: number; type: 'TypeError' | 'RangeError' | 'Error'; message: string };
}

/** Makes the changes that the mailbox asks for, and answers. In the switch's thread. */
export function answerMail(layout: SharedLayout, nicSwitch: NicSwitch): void {
  const { control } = layout;
  // Who asked may have taken it back.
  if (Atomics.compareExchange(control, MAIL_STATE, MAIL_ASKED, MAIL_TAKEN) !== MAIL_ASKED) return;
  const answer: Answer = { results: [] };
  try {
    for (const change of readMail(layout) as ConfigurationChange[]) {
      answer.results.push(applyChange(nicSwitch, change));
    }
  } catch (error) {
    const type =
      error instanceof TypeError ? 'TypeError' : error instanceof RangeError ? 'RangeError' : 'Error';
    const message = error instanceof Error ? error.message : String(error);
    answer.failed = { index: answer.results.length, type, message: message.slice(0, MESSAGE_LENGTH) };
  }
  writeMail(layout, answer);
  Atomics.store(control, MAIL_STATE, MAIL_ANSWERED);
  wake(control, MAIL_EVENT);
}

function applyChange(nicSwitch: NicSwitch, [name, ...args]: ConfigurationChange): ChangeResult {
  const methods = nicSwitch as unknown as Record<string, unknown>;
  const method = methods[name];
  if (typeof method !== 'function' || !CONFIGURES.test(name) || INTERNAL.includes(name)) {
    throw new TypeError(`a change must name a method that configures the switch, got '${name}'`);
  }
  const result: unknown = method.apply(nicSwitch, args);
  return typeof result === 'boolean' || typeof result === 'number' || typeof result === 'string'
    ? result
    : null;
}

/** @throws TypeError if `changes` is no list of lists that begin with a name. */
export function checkChanges(changes: readonly ConfigurationChange[]): void {
  const isChange = (each: unknown) => Array.isArray(each) && typeof each[0] === 'string';
  if (Array.isArray(changes) && changes.every(isChange)) return;
  throw new TypeError('changes must be a list of lists, each with the name of a method and its arguments');
}

/** @throws RangeError if it is too long. */
export function writeMail(layout: SharedLayout, value: unknown): void {
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  if (bytes.length > MAILBOX_BYTES) {
    throw new RangeError(`changes must fit into ${MAILBOX_BYTES} bytes of JSON, got ${bytes.length}`);
  }
  layout.mailbox.set(bytes);
  layout.control[MAIL_BYTES] = bytes.length;
}

export function readMail(layout: SharedLayout): unknown {
  // A copy: a TextDecoder does not read shared memory.
  const bytes = layout.mailbox.slice(0, layout.control[MAIL_BYTES]);
  return JSON.parse(new TextDecoder().decode(bytes));
}
