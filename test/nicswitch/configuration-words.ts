import type { ConfigurationChange, SharedSwitchDescriptor } from '../../src/nicswitch/index.ts';

/**
 * Shared words of a course of changes: how many messages were begun, how many are answered, whether all is over, and
 * frames sent, a word for each sender.
 */
export const BEGUN = 0;
export const ANSWERED = 1;
export const OVER = 2;
export const SENT = 3;
export const WORDS = 5;

/** A thread that changes the configuration, message by message, or one that sends frames until it is over. */
export type ConfigurationOrder = { descriptor: SharedSwitchDescriptor; words: Int32Array } & (
  | { messages: ConfigurationChange[][] }
  | { vport: number; frames: Uint8Array[] }
);

/** Where in a frame of this course its number is, how many messages had been answered when it was sent, and its sender. */
export const NUMBER = 40;
export const SENT_AT = 44;
export const SENDER = 48;
