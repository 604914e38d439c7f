import {
  FOR_FRAMES,
  MAIL_EVENT,
  MAIL_STATE,
  SharedLayout,
  type SharedSwitchDescriptor,
  SWITCH_EVENT,
  SWITCH_WAITS,
} from './shared-layout.ts';
import { wake } from './shared-wait.ts';
import {
  type Answer,
  type ChangeResult,
  type ConfigurationChange,
  checkChanges,
  MAIL_ANSWERED,
  MAIL_ASKED,
  MAIL_FREE,
  MAIL_TAKEN,
  MAIL_WRITING,
  readMail,
  writeMail,
} from './switch-mailbox.ts';

/**
 * Changes the configuration of a {@link SharedSwitch} from another thread, over a mailbox that all such
 * threads share. The switch makes the changes of one message between two bursts: no frame sees some of them.
 *
 * @example
 * const configuration = attachSwitchConfiguration(descriptor);
 * // The address moves: it is always at one of both.
 * configuration.apply([['removeMac', 1, mac], ['addMac', 2, mac]]); // [true, true]
 */
export class SharedConfiguration {
  private readonly layout: SharedLayout;
  private asked = false;

  /** @internal See {@link attachSwitchConfiguration}. */
  constructor(layout: SharedLayout) {
    this.layout = layout;
  }

  /**
   * Has the switch make the changes, and sleeps until it has. Not in the main thread of a page, which may not
   * sleep: there, {@link SharedConfiguration.post} and {@link SharedConfiguration.poll}.
   *
   * @returns what each change returned.
   * @throws what a change has thrown: TypeError or RangeError that names the argument. The changes before it
   *   are made, those behind it are not. Error if the switch has not answered in `timeoutMs`; none is made
   *   then.
   */
  apply(
    changes: readonly ConfigurationChange[],
    timeoutMs = Number.POSITIVE_INFINITY,
  ): readonly ChangeResult[] {
    while (!this.post(changes)) this.sleep(timeoutMs);
    for (;;) {
      const results = this.poll();
      if (results !== undefined) return results;
      this.sleep(timeoutMs);
    }
  }

  /**
   * Asks the switch to make the changes; false, and nothing done, while the mailbox is in use.
   *
   * @throws TypeError if they are no list of changes, RangeError if they are too long for one message.
   */
  post(changes: readonly ConfigurationChange[]): boolean {
    checkChanges(changes);
    const { control } = this.layout;
    if (Atomics.compareExchange(control, MAIL_STATE, MAIL_FREE, MAIL_WRITING) !== MAIL_FREE) return false;
    try {
      writeMail(this.layout, changes);
    } catch (error) {
      this.leave();
      throw error;
    }
    this.asked = true;
    Atomics.store(control, MAIL_STATE, MAIL_ASKED);
    if ((Atomics.load(control, SWITCH_WAITS) & FOR_FRAMES) !== 0) wake(control, SWITCH_EVENT);
    return true;
  }

  /** What the changes returned that were posted; undefined while the switch has not made them. Throws as `apply`. */
  poll(): readonly ChangeResult[] | undefined {
    const { control } = this.layout;
    if (!this.asked || Atomics.load(control, MAIL_STATE) !== MAIL_ANSWERED) return undefined;
    const { results, failed } = readMail(this.layout) as Answer;
    this.asked = false;
    this.leave();
    if (failed === undefined) return results;
    const message = `change ${failed.index}: ${failed.message}`;
    if (failed.type === 'TypeError') throw new TypeError(message);
    throw failed.type === 'RangeError' ? new RangeError(message) : new Error(message);
  }

  /** Sleeps until the mailbox has changed. If that takes too long, takes the message back, if it is ours. */
  private sleep(timeoutMs: number): void {
    const { control } = this.layout;
    const event = Atomics.load(control, MAIL_EVENT);
    const state = Atomics.load(control, MAIL_STATE);
    if (state === MAIL_FREE || (this.asked && state === MAIL_ANSWERED)) return;
    // What is being carried out is not taken back.
    const longest = this.asked && state === MAIL_TAKEN ? Number.POSITIVE_INFINITY : timeoutMs;
    if (Atomics.wait(control, MAIL_EVENT, event, longest) !== 'timed-out') return;
    if (this.asked) {
      if (Atomics.compareExchange(control, MAIL_STATE, MAIL_ASKED, MAIL_WRITING) !== MAIL_ASKED) return;
      this.asked = false;
      this.leave();
    }
    throw new Error(`the switch has not answered in ${timeoutMs} ms`);
  }

  private leave(): void {
    const { control } = this.layout;
    Atomics.store(control, MAIL_STATE, MAIL_FREE);
    wake(control, MAIL_EVENT);
  }
}

/**
 * Lets the calling thread configure a {@link SharedSwitch}. Any number of threads may; they take turns.
 *
 * @throws TypeError if the descriptor is no switch's.
 */
export function attachSwitchConfiguration(descriptor: SharedSwitchDescriptor): SharedConfiguration {
  return new SharedConfiguration(new SharedLayout(descriptor));
}
